# What gdb says of a list of expressions where types.c stops, as JSON: of each its value, reduced to what
# does not hang on gdb's way of writing, its type and its size, and the same of every part of a structure
# or an array; after a line "up" in the caller's frame. Run by record.ts: gdb -batch -x answers.py types-O0.elf < list of expressions.
import json
import re
import sys

import gdb

KINDS = {
    gdb.TYPE_CODE_STRUCT: 'whole',
    gdb.TYPE_CODE_UNION: 'whole',
    gdb.TYPE_CODE_ARRAY: 'array',
    gdb.TYPE_CODE_PTR: 'number',
    gdb.TYPE_CODE_ENUM: 'name',
    gdb.TYPE_CODE_FLT: 'real',
    gdb.TYPE_CODE_BOOL: 'number',
    gdb.TYPE_CODE_FUNC: 'function',
}


def text_of(value, plain, kind):
    if value.is_optimized_out:
        return 'lost', ''
    if kind == 'name':
        return kind, str(value)
    if kind == 'real':
        return kind, repr(float(value))
    if kind == 'function':
        return 'number', str(int(value.address))
    if kind == 'array' and plain.target().strip_typedefs().sizeof == 1:
        characters = [int(value[index]) & 0xff for index in range(plain.range()[1] + 1)]
        whole = bytes(characters)
        return 'text', whole.split(b'\0')[0].decode('latin-1')
    return ('number', str(int(value))) if kind == 'number' else (kind, '')


# An expression behind which an operator can stand.
def wrapped(expression):
    simple = re.fullmatch(r'[A-Za-z_]\w*((\.|->)\w+|\[\d+\])*', expression)
    return expression if simple else '(%s)' % expression


def describe(expression, value, answers, depth):
    plain = value.type.strip_typedefs()
    kind = KINDS.get(plain.code, 'number')
    what, text = text_of(value, plain, kind)
    answers[expression] = {'kind': what, 'value': text, 'type': str(value.type), 'size': int(value.type.sizeof)}
    if what == 'lost' or depth > 4:
        return
    if kind == 'whole':
        for field in plain.fields():
            if field.name is None or field.name == '':
                parts(expression, value[field], answers, depth)
            else:
                describe(wrapped(expression) + '.' + field.name, value[field], answers, depth + 1)
    elif kind == 'array' and what != 'text':
        for index in range(plain.range()[1] + 1):
            describe('%s[%d]' % (wrapped(expression), index), value[index], answers, depth + 1)


# Members of an anonymous structure are those of the whole.
def parts(expression, value, answers, depth):
    for field in value.type.strip_typedefs().fields():
        if field.name is None or field.name == '':
            parts(expression, value[field], answers, depth)
        else:
            describe(wrapped(expression) + '.' + field.name, value[field], answers, depth + 1)


gdb.execute('set disable-randomization on')
gdb.execute('break *stop_point', to_string=True)
gdb.execute('run', to_string=True)
answers = {}
for line in sys.stdin:
    expression = line.strip()
    if expression == 'up':
        gdb.execute('up', to_string=True)
    elif expression:
        try:
            describe(expression, gdb.parse_and_eval(expression), answers, 0)
        except gdb.error as error:
            answers[expression] = {'kind': 'refused', 'value': str(error), 'type': '', 'size': 0}
print(json.dumps(answers, indent=2))
