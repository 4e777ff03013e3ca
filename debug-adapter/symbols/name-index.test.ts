/** The index that sessions use finds what reading all entries one by one finds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiledElf, parsed, sectionsOf } from '../testing/debugged-program-node.ts';
import { ScannedNames } from '../testing/scanned-names.ts';
import { buildIndex, DebugIndex } from './debug-index.ts';

for (const flags of [
  ['-gdwarf-2', '-O2'],
  ['-gdwarf-4', '-O2', '-fdebug-types-section'],
  ['-gdwarf-5', '-O2', '-fdebug-types-section'],
  ['-gdwarf64', '-gdwarf-5', '-O0'],
]) {
  const bytes = compiledElf(flags);
  const skip = bytes === null ? 'gcc does not compile for i386 here' : false;
  test(`names and units of ${flags.join(' ')}`, { skip }, () => {
    const sections = sectionsOf(parsed(bytes ?? new Uint8Array(0)));
    const scanned = new ScannedNames(sections);
    const building = buildIndex(sections, () => true);
    let step = building.next();
    while (step.done !== true) step = building.next();
    const index = new DebugIndex(step.value);
    let names = 0;
    for (const [kind, name, offsets] of scanned.all()) {
      const found = index.entries(kind, name);
      // of types and enumerators one of each name is enough
      const isEach = kind === 'function' || kind === 'variable';
      if (isEach) assert.deepEqual(found, offsets, `${kind} ${name}`);
      else assert.ok(found.length > 0 && found.every((offset) => offsets.includes(offset)), `${kind} ${name}`); // prettier-ignore
      names++;
    }
    assert.ok(names > 25);
    assert.deepEqual(index.namesFrom('', 1000), scanned.namesFrom('', 1000));
    assert.deepEqual(index.entries('function', 'nobody'), []);
    assert.ok(scanned.codeStarts.length >= 2);
    for (const start of scanned.codeStarts)
      assert.deepEqual(index.unitsAt(start), scanned.unitsAt(start));
  });
}
