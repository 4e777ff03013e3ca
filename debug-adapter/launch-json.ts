/**
 * launch.json as an editor reads it, for the text session: JSON with comments and trailing commas, a list
 * of configurations, and the variable ${workspaceFolder}.
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

/**
 * The configuration of that name, or the first for this debugger, with its variables replaced. Throws
 * Error with a sentence when there is none.
 */
export function findConfiguration(
  text: string,
  folder: string,
  name: string | undefined,
): LaunchArguments {
  const parsed = parseJsonWithComments(text);
  const { configurations } = (isObject(parsed) ? parsed : {}) as {
    readonly configurations?: unknown;
  };
  const ours = (Array.isArray(configurations) ? configurations : [])
    .filter(isObject)
    .filter(({ type }) => type === 'guestscope');
  const found = name === undefined ? ours[0] : ours.find((candidate) => candidate['name'] === name);
  if (found !== undefined) return replaceVariables(found, folder) as LaunchArguments;
  const names = ours.map((candidate) => `"${String(candidate['name'])}"`).join(', ');
  throw new Error(
    name === undefined
      ? 'launch.json has no configuration of type "guestscope".'
      : `launch.json has no configuration "${name}"; there is ${names === '' ? 'none' : names}.`,
  );
}

function replaceVariables(value: unknown, folder: string): unknown {
  if (typeof value === 'string') return value.replaceAll('${workspaceFolder}', folder);
  if (Array.isArray(value)) return value.map((item) => replaceVariables(item, folder));
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [key, replaceVariables(item, folder)]));
}

function isObject(value: unknown): value is LaunchArguments {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
