/** Every file of scenarios/ is a conversation with the adapter that goes as it says (scenario.ts). */
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertScenario } from './scenario.ts';

const FOLDER = fileURLToPath(new URL('./scenarios/', import.meta.url));

describe('scenario', () => {
  for (const name of readdirSync(FOLDER).filter((each) => each.endsWith('.scenario')))
    it(name.replace('.scenario', ''), { timeout: 60_000 }, () => assertScenario(FOLDER + name));
});
