import { ProtobufReader } from '@opentelemetry/otlp-transformer/build/src/common/protobuf/protobuf-reader.js'

/** The fields of a message by number, each as often as it came: numbers, or bytes. */
export type Fields = ReadonlyMap<number, readonly (number | Buffer)[]>

const VARINT = 0
const FIXED64 = 1
const BYTES = 2

/** Reads a message with the library's own reader; eight bytes stay bytes: an integer or a double. */
export function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (number | Buffer)[]>()
  const reader = new ProtobufReader(bytes)
  while (!reader.isAtEnd()) {
    const { fieldNumber, wireType } = reader.readTag()
    const values = fields.get(fieldNumber) ?? []
    fields.set(fieldNumber, values)
    if (wireType === VARINT) values.push(reader.readVarint())
    else if (wireType === BYTES) values.push(Buffer.from(reader.readBytes()))
    else if (wireType === FIXED64) {
      values.push(Buffer.from(bytes.subarray(reader.pos, reader.pos + 8)))
      reader.pos += 8
    } else reader.skip(wireType)
  }
  return fields
}

function bytesIn(fields: Fields | undefined, number: number): Buffer | undefined {
  const value = fields?.get(number)?.at(-1)
  return Buffer.isBuffer(value) ? value : undefined
}

/** The messages under a field. */
export function messagesIn(fields: Fields | undefined, number: number): Fields[] {
  return (fields?.get(number) ?? []).map((one) => fieldsOf(one as Buffer))
}

/** A text; empty when it is missing, as proto3 has it. */
export function textIn(fields: Fields | undefined, number: number): string {
  return bytesIn(fields, number)?.toString('utf8') ?? ''
}

/** Bytes as hexadecimal digits. */
export function hexIn(fields: Fields, number: number): string {
  return bytesIn(fields, number)?.toString('hex') ?? ''
}

/** A varint or a double; 0 when it is missing. */
export function numberIn(fields: Fields | undefined, number: number): number {
  const value = fields?.get(number)?.at(-1)
  return Buffer.isBuffer(value) ? value.readDoubleLE(0) : (value ?? 0)
}

/** A fixed64. */
export function nanosIn(fields: Fields, number: number): bigint {
  return bytesIn(fields, number)?.readBigUInt64LE(0) ?? 0n
}

/** Packed eight-byte numbers. */
export function packedIn(fields: Fields, number: number, as: 'integers' | 'doubles'): number[] {
  const bytes = bytesIn(fields, number) ?? Buffer.alloc(0)
  return Array.from({ length: bytes.length / 8 }, (_, at) =>
    as === 'doubles' ? bytes.readDoubleLE(8 * at) : Number(bytes.readBigUInt64LE(8 * at)),
  )
}

/** A list of KeyValue: text, booleans, whole numbers and doubles. */
export function attributesIn(
  fields: Fields | undefined,
  number: number,
): Record<string, string | number | boolean> {
  return Object.fromEntries(
    messagesIn(fields, number).map((pair) => [textIn(pair, 1), readValue(messagesIn(pair, 2)[0])]),
  )
}

function readValue(value: Fields | undefined): string | number | boolean {
  if (value?.has(1)) return textIn(value, 1)
  if (value?.has(2)) return numberIn(value, 2) === 1
  return value?.has(3) ? numberIn(value, 3) : numberIn(value, 4)
}
