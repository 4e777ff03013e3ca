/**
 * Time and date registers of the MC146818 (data sheet, "Time, calendar and alarm locations"): seconds
 * since 1970 to ten bytes and back, in BCD or binary, 12 or 24 hours. The century byte at 32h is the
 * PC's addition. Nonsense that a guest writes is brought into range, never refused.
 */

export interface RegisterFormat {
  /** Register B, DM. */
  readonly binary: boolean;
  /** Register B, 24/12. */
  readonly hours24: boolean;
}

/** Values as the registers hold them. */
export interface TimeRegisters {
  readonly seconds: number;
  readonly minutes: number;
  readonly hours: number;
  /** 1 = Sunday. */
  readonly dayOfWeek: number;
  readonly dayOfMonth: number;
  readonly month: number;
  /** Within the century. */
  readonly year: number;
  readonly century: number;
}

const PM = 0x80;
/** Alarm bytes from C0h up match every value. */
const DONT_CARE = 0xc0;
export const SECONDS_PER_DAY = 86_400;
const EVERY = -1;

/** Registers at `seconds` since 1970-01-01 00:00:00, local time and UTC being the same. */
export function toRegisters(seconds: number, format: RegisterFormat): TimeRegisters {
  const date = new Date(seconds * 1000);
  const byte = (value: number): number => toByte(value, format);
  const year = date.getUTCFullYear();
  return {
    seconds: byte(date.getUTCSeconds()),
    minutes: byte(date.getUTCMinutes()),
    hours: toHours(date.getUTCHours(), format),
    dayOfWeek: byte(date.getUTCDay() + 1),
    dayOfMonth: byte(date.getUTCDate()),
    month: byte(date.getUTCMonth() + 1),
    year: byte(year % 100),
    century: byte(Math.floor(year / 100)),
  };
}

/** Seconds since 1970 that the registers stand for; the day of the week does not count. */
export function toSeconds(registers: TimeRegisters, format: RegisterFormat): number {
  const value = (byte: number): number => fromByte(byte, format);
  const year = value(registers.century) * 100 + value(registers.year);
  // Date.UTC takes years below 100 for 1900 to 1999.
  const days = Date.UTC(
    Math.max(year, 100),
    value(registers.month) - 1,
    value(registers.dayOfMonth),
  );
  return (
    days / 1000 +
    fromHours(registers.hours, format) * 3600 +
    value(registers.minutes) * 60 +
    value(registers.seconds)
  );
}

export interface Alarm {
  readonly seconds: number;
  readonly minutes: number;
  readonly hours: number;
}

/**
 * First second after `after` (seconds since 1970) whose time of day matches the alarm bytes, or Infinity
 * when none ever does.
 */
export function nextAlarm(after: number, alarm: Alarm, format: RegisterFormat): number {
  const wanted = {
    second: alarm.seconds >= DONT_CARE ? EVERY : fromByte(alarm.seconds, format),
    minute: alarm.minutes >= DONT_CARE ? EVERY : fromByte(alarm.minutes, format),
    hour: alarm.hours >= DONT_CARE ? EVERY : fromHours(alarm.hours, format),
  };
  if (wanted.second > 59 || wanted.minute > 59 || wanted.hour > 23) return Infinity;
  const start = after + 1;
  let time = start;
  while (time - start <= SECONDS_PER_DAY) {
    const ofDay = ((time % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY;
    if (wanted.hour !== EVERY && Math.floor(ofDay / 3600) !== wanted.hour) {
      time += 3600 - (ofDay % 3600);
    } else if (wanted.minute !== EVERY && Math.floor(ofDay / 60) % 60 !== wanted.minute) {
      time += 60 - (ofDay % 60);
    } else if (wanted.second !== EVERY && ofDay % 60 !== wanted.second) {
      time += 1;
    } else {
      return time;
    }
  }
  return Infinity;
}

function toByte(value: number, format: RegisterFormat): number {
  return (format.binary ? value : (Math.floor(value / 10) << 4) | (value % 10)) & 0xff;
}

function fromByte(byte: number, format: RegisterFormat): number {
  return format.binary ? byte : (byte >> 4) * 10 + (byte & 15);
}

function toHours(hours: number, format: RegisterFormat): number {
  if (format.hours24) return toByte(hours, format);
  return toByte(hours % 12 === 0 ? 12 : hours % 12, format) | (hours >= 12 ? PM : 0);
}

function fromHours(byte: number, format: RegisterFormat): number {
  if (format.hours24) return fromByte(byte, format);
  return (fromByte(byte & ~PM, format) % 12) + (byte & PM ? 12 : 0);
}
