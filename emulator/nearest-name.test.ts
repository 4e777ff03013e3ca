import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearestName } from './nearest-name.ts';

const NAMES = ['cpuid', 'hlt', 'invlpg', 'externalInterrupt', 'CR_ACCESS'];

test('a mistyped name is recognized', () => {
  assert.equal(nearestName('cpiud', NAMES), 'cpuid');
  assert.equal(nearestName('hlr', NAMES), 'hlt');
  assert.equal(nearestName('INVPLG', NAMES), 'invlpg');
  assert.equal(nearestName('externlInterupt', NAMES), 'externalInterrupt');
  assert.equal(nearestName('cr-access', NAMES), 'CR_ACCESS');
});

test('a word that is nothing like a known one stays unknown', () => {
  assert.equal(nearestName('serial', NAMES), null);
  assert.equal(nearestName('', NAMES), null);
  assert.equal(nearestName('c'.repeat(100_000), NAMES), null);
  assert.equal(didYouMean('serial', NAMES), '');
  assert.equal(didYouMean('cpui', NAMES), " Did you mean 'cpuid'?");
});
