/** Members of structures by name, those of anonymous ones inside included (ISO 9899:2018, 6.7.2.1). */
import { ExpressionError } from '../../emulator/expressions/syntax.ts';
import { didYouMean } from '../../emulator/nearest-name.ts';
import type { Member, StructType } from '../symbols/c-types.ts';
import { typeText } from './type-text.ts';
import { isStruct, stripped } from './types.ts';

/** Anonymous structures inside each other, and members of one with theirs, that are looked at most. */
const DEEPEST = 16;
const MOST = 10_000;

/** A member with its offset in the whole, through anonymous ones. */
export interface PlacedMember {
  readonly member: Member;
  readonly offset: number;
}

/** In the order of the source; those of anonymous structures in the place of these. */
export function membersOf(whole: StructType): readonly PlacedMember[] {
  const found: PlacedMember[] = [];
  let looked = 0;
  const look = ({ members }: StructType, start: number, depth: number): void => {
    for (const member of members) {
      // a file may say that a structure holds itself
      if (++looked > MOST) return;
      const inside = stripped(member.type);
      const offset = start + member.offset;
      if (member.name !== null) found.push({ member, offset });
      else if (isStruct(inside) && depth < DEEPEST) look(inside, offset, depth + 1);
    }
  };
  look(whole, 0, 0);
  return found;
}

/** Throws ExpressionError with the nearest name for one that is not there. */
export function findMember(whole: StructType, name: string, at: number): PlacedMember {
  const members = membersOf(whole);
  const found = members.find(({ member }) => member.name === name);
  if (found !== undefined) return found;
  const text = typeText(whole);
  if (whole.isDeclaration)
    throw new ExpressionError(`Nobody says what ${text} holds: it is only declared.`, at);
  const names = members.flatMap((each) => each.member.name ?? []);
  throw new ExpressionError(`There is no member '${name}' in ${text}.${didYouMean(name, names)}`, at);
} // prettier-ignore
