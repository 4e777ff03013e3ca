/**
 * launch.json as an editor reads it, for who has none: JSON with comments and trailing commas, a list of
 * configurations, sections for one platform, and variables. What only an editor can fill in (the open
 * file, a prompt) is refused by name.
 */

/** Parses JSON with comments and trailing commas. Throws SyntaxError. */
export function parseJsonWithComments(text: string): unknown {
  // Strings are matched first, so that what looks like a comment or a comma in one stays.
  const comment = /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  const comma = /("(?:[^"\\]|\\.)*")|,(?=\s*[\]}])/g;
  const keepString = (_: string, string: string | undefined): string => string ?? '';
  return JSON.parse(text.replace(comment, keepString).replace(comma, keepString));
}

export type LaunchArguments = { readonly [attribute: string]: unknown };

/** What variables of launch.json stand for. */
export interface Surroundings {
  /** ${workspaceFolder}, absolute. */
  readonly folder: string;
  /** ${userHome}. */
  readonly home: string;
  /** ${cwd}. */
  readonly directory: string;
  /** ${env:NAME}; as in an editor, one that is not set is empty. */
  readonly environment: { readonly [name: string]: string | undefined };
  /** Whose section counts. */
  readonly platform: 'windows' | 'osx' | 'linux';
  /** ${pathSeparator}, ${/}. */
  readonly separator: string;
}

/**
 * The configuration of that name, or the only one for this debugger, with its variables replaced. Throws
 * Error with a sentence when there is none.
 */
export function findConfiguration(
  text: string,
  name: string | undefined,
  surroundings: Surroundings,
): LaunchArguments {
  const ours = configurationsOf(text);
  const quoted = ours.map((candidate) => `"${String(candidate['name'])}"`).join(', ');
  const found = ours.filter((candidate) => name === undefined || candidate['name'] === name);
  const [first] = found;
  if (ours.length === 0)
    throw new Error('launch.json has no configuration of type "guestscope"; add one.');
  if (first === undefined)
    throw new Error(`launch.json has no configuration "${String(name)}"; there is ${quoted}.`);
  if (found.length > 1) {
    throw new Error(
      name === undefined
        ? `launch.json has several configurations; name one of ${quoted}.`
        : `launch.json has several configurations "${name}"; give them different names.`,
    );
  }
  return replaceVariables(
    forPlatform(first, surroundings.platform),
    surroundings,
  ) as LaunchArguments;
}

function configurationsOf(text: string): readonly LaunchArguments[] {
  let parsed: unknown;
  try {
    parsed = parseJsonWithComments(text);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`launch.json is no JSON: ${problem}`, { cause });
  }
  const { configurations } = isObject(parsed) ? parsed : {};
  return (Array.isArray(configurations) ? configurations : [])
    .filter(isObject)
    .filter(({ type }) => type === 'guestscope');
}

/** The configuration with the section of this platform laid over it and the others left out. */
function forPlatform(
  configuration: LaunchArguments,
  platform: Surroundings['platform'],
): LaunchArguments {
  const { windows, osx, linux, ...rest } = configuration;
  const section = { windows, osx, linux }[platform];
  return isObject(section) ? { ...rest, ...section } : rest;
}

function replaceVariables(value: unknown, surroundings: Surroundings): unknown {
  if (typeof value === 'string')
    return value.replace(/\$\{([^}]*)\}/g, (_, variable: string) =>
      valueOf(variable, surroundings),
    );
  if (Array.isArray(value)) return value.map((item) => replaceVariables(item, surroundings));
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, replaceVariables(item, surroundings)]),
  );
}

/** Throws Error with a sentence for a variable that only an editor knows. */
function valueOf(variable: string, surroundings: Surroundings): string {
  const { folder, home, directory, environment, separator } = surroundings;
  if (variable.startsWith('env:')) return environment[variable.slice('env:'.length)] ?? '';
  switch (variable) {
    case 'workspaceFolder':
    case 'workspaceRoot':
      return folder;
    case 'workspaceFolderBasename':
      return folder.split(/[\\/]/).findLast((part) => part !== '') ?? '';
    case 'userHome':
      return home;
    case 'cwd':
      return directory;
    case 'pathSeparator':
    case '/':
      return separator;
    default:
      throw new Error(
        `launch.json uses \${${variable}}, which only an editor knows; write what it stands for, or use \${workspaceFolder} or \${env:NAME}.`,
      );
  }
}

function isObject(value: unknown): value is LaunchArguments {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
