/**
 * Line tables (DWARF 2 to 5, 6.2 "Line number information"): the header with its files, and the program
 * for a state machine whose output is rows of address, file, line and column. Files are named as the
 * table has them; who reads it puts folders together.
 *
 * Not kept: discriminators, instruction-set numbers, basic-block and epilogue marks.
 */
import type { DwarfReader, WordSize } from './dwarf-reader.ts';
import { readForm, type FormValue, type TextSections } from './forms.ts';

export interface LineFile {
  readonly name: string;
  /** Folder as the table has it: absolute, or from the one of the compilation; "" for that one itself. */
  readonly folder: string;
}

/** A row; an array of them would cost more than the table. */
export interface LineRows {
  /**
   * @param file number in the table's list of files, from 0
   * @param line from 1; 0 for instructions that belong to no line
   * @param statement a good place for a breakpoint
   */
  row(address: number, file: number, line: number, column: number, statement: boolean): void;
  /** The address after the last instruction of the rows since the last end. */
  end(address: number): void;
}

export interface LineTable {
  readonly files: readonly LineFile[];
  /** Runs the program. Throws FormatError. */
  run(rows: LineRows): void;
}

/** DW_LNS_* and DW_LNE_*. */
// prettier-ignore
const STANDARD = {
  EXTENDED: 0, COPY: 1, ADVANCE_PC: 2, ADVANCE_LINE: 3, SET_FILE: 4, SET_COLUMN: 5, NEGATE_STMT: 6,
  CONST_ADD_PC: 8, FIXED_ADVANCE_PC: 9,
} as const;
const EXTENDED = { END_SEQUENCE: 1, SET_ADDRESS: 2, DEFINE_FILE: 3 } as const;
/** DW_LNCT_*. */
const CONTENT = { PATH: 1, DIRECTORY_INDEX: 2 } as const;

interface Program {
  readonly version: number;
  readonly minimumLength: number;
  readonly defaultStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operands of the standard opcodes, by opcode - 1. */
  readonly operands: readonly number[];
}

/**
 * The table at the reader, which goes on behind it; null for a version that is not known.
 * Throws FormatError.
 */
export function readLineTable(reader: DwarfReader, texts: TextSections): LineTable | null {
  const { format, body } = reader.unit();
  const version = body.u16();
  if (version < 2 || version > 5) return null;
  let address: WordSize = 4;
  if (version === 5) {
    address = body.u8() === 8 ? 8 : 4;
    // bytes of a segment selector
    body.skip(1);
  }
  const header = body.part(body.offset(format));
  const minimumLength = header.u8();
  // operations of a VLIW instruction
  if (version >= 4) header.skip(1);
  const defaultStatement = header.u8() !== 0;
  const lineBase = header.i8();
  const lineRange = header.u8();
  const opcodeBase = header.u8();
  if (lineRange === 0 || opcodeBase === 0)
    throw header.malformed('the header of a line table has a zero where none can be');
  const operands = Array.from({ length: opcodeBase - 1 }, () => header.u8());
  const program: Program = {
    version, minimumLength, defaultStatement, lineBase, lineRange, opcodeBase, operands,
  }; // prettier-ignore
  const files =
    version === 5 ? readFiles(header, { version, format, address }, texts) : readOldFiles(header);
  const start = body.at;
  return {
    files,
    run: (rows) => {
      body.at = start;
      execute(program, files.length, body, rows);
    },
  };
}

/** Versions 2 to 4: folders and files from 1; here file 0 stands for none. */
function readOldFiles(header: DwarfReader): readonly LineFile[] {
  const folders = [''];
  for (let folder = header.text(); folder !== ''; folder = header.text()) folders.push(folder);
  const files: LineFile[] = [{ name: '', folder: '' }];
  for (let name = header.text(); name !== ''; name = header.text()) {
    const folder = folders[header.uleb()] ?? '';
    // time and length
    header.uleb();
    header.uleb();
    files.push({ name, folder });
  }
  return files;
}

/** Version 5: both lists from 0, their columns described (6.2.4.1). */
function readFiles(
  header: DwarfReader,
  sizes: { readonly version: number; readonly format: WordSize; readonly address: WordSize },
  texts: TextSections,
): readonly LineFile[] {
  const read = (): readonly ReadonlyMap<number, FormValue>[] => {
    const columns = Array.from({ length: header.u8() }, () => [header.uleb(), header.uleb()] as const); // prettier-ignore
    const count = header.uleb();
    // every entry takes a byte at the least
    if (count > (columns.length === 0 ? 0 : header.left))
      throw header.malformed('a list of files in it is longer than the section');
    return Array.from(
      { length: count },
      () => new Map(columns.map(([content, form]) => [content, readForm(header, form, sizes, texts)])), // prettier-ignore
    );
  };
  const folders = read().map((entry) => String(entry.get(CONTENT.PATH) ?? ''));
  return read().map((entry) => ({
    name: String(entry.get(CONTENT.PATH) ?? ''),
    folder: folders[Number(entry.get(CONTENT.DIRECTORY_INDEX) ?? 0)] ?? '',
  }));
}

/** The state machine of 6.2.2. */
function execute(program: Program, fileCount: number, reader: DwarfReader, rows: LineRows): void {
  const { minimumLength, lineBase, lineRange, opcodeBase } = program;
  let address = 0;
  let file = 1;
  let line = 1;
  let column = 0;
  let statement = program.defaultStatement;
  const advance = (operations: number): void => {
    address = (address + Math.imul(operations, minimumLength)) >>> 0;
  };
  const emit = (): void => {
    if (file < fileCount) rows.row(address, file, Math.max(line, 0), column & 0xffff, statement);
  };
  while (reader.left > 0) {
    const opcode = reader.u8();
    if (opcode >= opcodeBase) {
      const special = opcode - opcodeBase;
      advance(Math.floor(special / lineRange));
      line += lineBase + (special % lineRange);
      emit();
      continue;
    }
    switch (opcode) {
      case STANDARD.EXTENDED: {
        const operand = reader.part(reader.uleb());
        const kind = operand.left > 0 ? operand.u8() : 0;
        if (kind === EXTENDED.SET_ADDRESS) {
          address = operand.address(operand.left === 8 ? 8 : 4);
        } else if (kind === EXTENDED.END_SEQUENCE) {
          rows.end(address);
          address = 0;
          file = 1;
          line = 1;
          column = 0;
          statement = program.defaultStatement;
        } else if (kind === EXTENDED.DEFINE_FILE) {
          throw operand.malformed('a line table defines a file in its program, which DWARF 5 no longer has'); // prettier-ignore
        }
        break;
      }
      case STANDARD.COPY:
        emit();
        break;
      case STANDARD.ADVANCE_PC:
        advance(reader.uleb());
        break;
      case STANDARD.ADVANCE_LINE:
        line = (line + reader.sleb()) | 0;
        break;
      case STANDARD.SET_FILE:
        file = reader.uleb();
        break;
      case STANDARD.SET_COLUMN:
        column = reader.uleb();
        break;
      case STANDARD.NEGATE_STMT:
        statement = !statement;
        break;
      case STANDARD.CONST_ADD_PC:
        advance(Math.floor((255 - opcodeBase) / lineRange));
        break;
      case STANDARD.FIXED_ADVANCE_PC:
        address = (address + reader.u16()) >>> 0;
        break;
      default:
        // marks that are not kept, and opcodes of later versions
        for (let left = program.operands[opcode - 1] ?? 0; left > 0; left--) reader.uleb();
    }
  }
}
