"""Small Jinja templates give what Jinja2 gives in the environment of transformers, and what it refuses is refused."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from test_chat_templates import BOS, EOS, difference, ours, reference  # noqa: E402

SEPARATOR = "\x1e"

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": " Grüße, <b>Straße</b> \n"},
    {"role": "assistant", "content": "one\ntwo\n\nthree", "score": 2.5, "tags": ["b", "A", "c", "a"], "nested": {"k": {"z": [1, None, True]}}},
]

EXPRESSIONS = """
1 + 2 * 3 - 4 | 7 // 2 | -7 // 2 | 7 % 3 | -7 % 3 | 7.5 % 2 | 2 ** 10 | 2 ** -1 | 2 ** 3 ** 2 | 7 / 2 | 6 / 2 | -2 ** 2 | 1 // 0 | 1 / 0 | 1e3 | 1.0 | 1e16 | 1.5e-7
123456789.123 | 0.1 + 0.2 | 1_000 | 0x1F | 0b101 | 0o17 | true + 1 | true == 1 | 1 == 1.0 | '1' == 1 | none == false | none is none
'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1, 'x'] | 'a' + 1 | 1 + 'a' | 'ab' * 3 | 3 * 'ab' | [1] * 2 | [1] + [2] | [1] + (2,) | (1, 2) + (3,) | 'a' 'b' 'c'
'abc' < 'abd' | 1 < 'a' | [1, 2] < [1, 3] | 1 < 2 < 3 | 1 < 3 < 2 | 1 in [1, 2] | 'b' in 'abc' | 1 in 'abc' | 'k' in {'k': 1} | 2 not in [1] | 1 in 5 | none in none
not 1 | not none | 1 and 2 | 0 or 'x' | 0 and x.y.z | 'a' if true else 'b' | 'a' if false | ('a' if false) is defined | 1 if 0 else 2 if 0 else 3
undefined_name | undefined_name.x | undefined_name['x'] | undefined_name() | undefined_name + 1 | undefined_name is defined | undefined_name == undefined_name | undefined_name == none
-undefined_name | undefined_name ~ 'x' | undefined_name < 1 | 1 in undefined_name | undefined_name in [1] | 'x' + undefined_name | not undefined_name | [undefined_name] | undefined_name[1:]
'abcdef'[1] | 'abcdef'[-1] | 'abcdef'[10] | 'abcdef'[1:3] | 'abcdef'[::-1] | 'abcdef'[::2] | 'abcdef'[-3:] | 'abcdef'[:-1] | 'abcdef'[4:1:-1] | 'abcdef'[::0] | 'Grüße'[2:4] | 'Grüße'[3] | 'abc'[-100:100]
[1, 2, 3][1:] | [1, 2, 3][::-1] | (1, 2, 3)[:2] | [1, 2, 3]['x'] | messages[0][1:] | 5[0] | none.x | (1).x | [1, 2].0 | [[1, 2], 3].0.1 | 'abc'.1
{'a': 1, 'b': [1, (2,)]} | {'a': 1}.a | {'a': 1}['a'] | {'a': 1}.b | {'items': 1}.items is callable | {'items': 1}['items'] | {1: 'x', none: 2} | {'a': 1, 'a': 2} | {[1]: 2} | {'a': 1} == {'a': 1.0} | {}
[] | () | (1,) | (1, 2) | [1, 2,] | [none, true, 1.5, 'it\\'s', "q\\"", "both ' \\""] | ['\\n\\t\\\\', 'é', '\\x00', '\\u2028', '\\u00ad'] | '\\u00e9\\x41\\101' | '\\q' | "a\\
b"
'a,b,,c'.split(',') | ' a  b '.split() | 'a b c'.split(none, 1) | ' a b c '.rsplit(none, 1) | 'a,b,c'.rsplit(',', 1) | 'abc'.split('') | 'a\\nb\\r\\nc\\n'.splitlines() | 'a\\nb'.splitlines(true)
' x '.strip() ~ '|' | 'xxaxx'.strip('x') | 'xya'.lstrip('yx') | 'axy'.rstrip('xy') | '\\u00a0x\\u3000'.strip() | 'abc'.startswith('ab') | 'abc'.endswith(('x', 'c')) | 'abc'.startswith(1)
'aXa'.replace('a', 'b') | 'aaa'.replace('a', 'b', 2) | 'ab'.replace('', '-') | 'abc'.upper() | 'Straße é'.upper() | 'ÀÉ'.lower() | "they're bill's".title() | 'hELLO wORLD'.capitalize()
'abcabc'.find('c') | 'abc'.find('x') | 'abcabc'.rfind('c') | 'aXbXc'.count('X') | ','.join(['a', 'b']) | ','.join([1]) | 'abc'.index('x') | '12'.isdigit() | 'a1'.isalnum() | ''.isdigit() | ' '.isspace()
'prefix-x'.removeprefix('prefix-') | 'x.txt'.removesuffix('.txt') | 'abc'.nothing | 'abc'.nothing() | 'abc'.__class__ | [1].append(2) | {'a': 1}.update({'b': 2}) | {'a': 1}.pop('a') | [3, 1].sort()
{'a': 1}.get('a') | {'a': 1}.get('b') | {'a': 1}.get('b', 5) | {'a': 1}.get() | {'a': 1, 'b': 2}.keys() + 1 | [1, 2, 1].count(1) | [1, 2].index(2) | [1, 2].index(9)
'%s has %d of %.2f%%' % ('x', 3, 1.5) | '%s' % 'a' | '%s' % [1] | '%s %s' % ('a',) | '%s' % ('a', 'b') | 'plain' % () | '%(k)s' % {'k': 1} | '%5s|%-5s|' % ('a', 'b') | '%05d' % 42 | '%x' % 255 | '%r' % 'a' | '%d' % 'a' | '%q' % 1
"""

FILTERS = """
[3, 1, 2]|sort ; ['b', 'A', 'a']|sort ; ['b', 'A', 'a']|sort(case_sensitive=true) ; [3, 1]|sort(reverse=true) ; [1, 'a']|sort ; messages|sort(attribute='role')|map(attribute='role')|list
[1, 2, 3]|first ; []|first ; 'abc'|first ; [1, 2]|last ; 'abc'|last ; []|last ; {'a': 1}|first ; none|first ; (messages|map(attribute='role'))|first ; (messages|map(attribute='role'))|last
[1, 2]|length ; 'Grüße'|length ; {'a': 1}|count ; 5|length ; none|length ; undefined_name|length ; messages|map(attribute='role')|length ; messages|length
['a', 'b']|join ; ['a', 1, none]|join(', ') ; messages|join('/', attribute='role') ; 'abc'|join('-') ; 5|join ; undefined_name|join(',') ; [undefined_name]|join('x') ; [1]|join(2)
' x '|trim ~ '|' ; 'xxa'|trim('x') ; 5|trim ; none|trim ; undefined_name|trim ; 'Ab'|upper ; 'Ab'|lower ; 5|upper ; 'hello world-foo (bar)'|title ; 'HELLO there'|capitalize ; 'a b_c d'|wordcount
'a'|replace('a', 'b') ; 'aaa'|replace('a', 'b', 1) ; 5|replace(5, 6) ; 'a'|replace('a') ; 'a\\nb\\n\\nc'|indent ; 'a\\nb'|indent(2, true) ; 'a\\n\\nb'|indent(2, blank=true) ; 'a\\nb'|indent('>> ') ; 5|indent
'x'|default('y') ; undefined_name|default('y') ; ''|default('y') ; ''|default('y', true) ; none|default('y') ; none|d('y', boolean=true) ; undefined_name|default ; undefined_name.x|default('y') ; messages[0].nothing|default('y')
'42'|int ; '42.9'|int ; 'x'|int ; 'x'|int(7) ; 42.9|int ; none|int ; undefined_name|int ; '0x1F'|int(base=16) ; 'ff'|int(0, 16) ; ' 42 '|int ; '1_000'|int ; true|int ; '1.5'|float ; 'x'|float ; 3|float ; 'x'|float(2)
-3|abs ; (-3)|abs ; 'x'|abs ; 2.567|round(1) ; 2.5|round ; 3|round ; 2.1|round(method='ceil') ; 2.9|round(0, 'floor') ; 2.1|round(method='x') ; [1, 2]|sum ; []|sum ; messages|sum(attribute='nothing') ; [1, 2]|sum(start=10)
[3, 1]|min ; [3, 1]|max ; []|max ; ['b', 'A']|min ; messages|max(attribute='role') ; [1, 1, 2]|unique|list ; ['a', 'A', 'b']|unique|list ; ['a', 'A']|unique(true)|list ; [1, 2]|reverse|list ; 'abc'|reverse ; [1, 2]|reverse|length
{'b': 1, 'a': 2}|dictsort ; {'b': 1, 'a': 2}|dictsort(by='value') ; {'b': 1, 'A': 2}|dictsort(true) ; {'b': 1, 'a': 2}|dictsort(reverse=true) ; {'a': 1}|items|list ; undefined_name|items|list ; [1]|items|list ; {'a': 1}|list
'abc'|list ; 5|list ; none|list ; (1, 2)|list ; undefined_name|list ; messages|map('string')|map('length')|list ; ['a']|map('upper')|list ; ['a']|map('nothing')|list ; messages|map(attribute='nested.k.z.2')|list|last
messages|map(attribute='tags', default=[])|list ; messages|selectattr('tags')|list|length ; messages|selectattr('role', 'equalto', 'user')|list|length ; messages|rejectattr('role', 'in', ['user', 'system'])|map(attribute='role')|list
[1, 2, 3, 4]|select('odd')|list ; [1, 2, 3]|reject('even')|list ; [0, 1, none]|select|list ; [1]|select('nothing')|list ; none|select|list ; 5|select|list ; messages|selectattr('tags', 'defined')|list|length
{'a': [1, none, true, 1.5, 'é<>&\\'"']}|tojson ; {'a': [1, {}]}|tojson(indent=2) ; []|tojson(indent=4) ; 'é'|tojson(ensure_ascii=true) ; '\U0001f600'|tojson(ensure_ascii=true) ; {'b': 1, 'a': 2}|tojson(sort_keys=true)
[1, 2]|tojson(separators=(',', ':')) ; undefined_name|tojson ; {1: 2, none: 3, true: 4}|tojson ; '\\x00\\x1f\\x7f\\b\\f'|tojson ; (1, 2)|tojson ; messages|tojson ; 1e20|tojson ; 1e-7|tojson ; {'a': {'b': [1, 2]}}|tojson(indent=1)
'<a> & "b" \\'c\\''|e ; '<a>'|safe ; '<a>'|safe + '<b>' ; '<b>' + '<a>'|safe ; '<a>'|safe ~ '<b>' ; ('<a>'|e)|e ; '<a>'|safe|trim + '<b>' ; '%s'|format('x') ; '%s-%s'|format(1, 2) ; '%(a)s'|format(a=1) ; 5|string + 'x'
5|nothing ; 'x'|upper(1) ; [1, 2]|join(1, 2, 3, 4) ; 'x'|replace ; [[1, 2], [3]]|map('first')|list ; [[1, 2], [3]]|map('join', '-')|list ; ['x']|map('replace', 'x', 'y')|list
"""

TESTS = """
1 is defined ; none is none ; 'a' is string ; 1 is string ; {} is mapping ; [] is mapping ; [] is iterable ; 'a' is iterable ; 5 is iterable ; {} is sequence ; 'a' is sequence ; (1, 2) is sequence ; (messages|map(attribute='role')) is sequence
1 is number ; true is number ; '1' is number ; 1 is integer ; true is integer ; 1.0 is integer ; 1.0 is float ; 1 is float ; true is boolean ; 1 is boolean ; true is true ; 1 is true ; false is false ; 0 is false
3 is odd ; 4 is even ; -3 is odd ; 6 is divisibleby(3) ; 6 is divisibleby 4 ; 'a' is odd ; 1 is eq 1 ; 1 is equalto(2) ; 1 is sameas 1 ; 1 is sameas true ; none is sameas none ; 1 is in [1, 2] ; 'a' is in 'abc' ; 3 is in([1])
1 is lt 2 ; 2 is ge(2) ; 1 is gt 'a' ; 'abc' is lower ; 'ABC' is upper ; '12' is lower ; range is callable ; 1 is callable ; 1 is not none ; undefined_name is not defined ; 1 is nothing ; 'upper' is filter ; 'nothing' is filter ; 'odd' is test
1 is defined is defined ; 1 is not not defined ; not 1 is none ; 1 + 1 is odd ; undefined_name is none ; undefined_name is undefined and true ; 'x' is string or false ; [1] is string and 2 ; 'a' is escaped ; messages[0] is mapping
"""

TEMPLATES = [
    "{% for i in [1, 2, 3] %}\n  {{ i }}\n{% endfor %}\nend\n", "{%- for i in [1, 2] -%}\n {{ i }} \n{%- endfor -%}\n x", "  {% if true %}\n  a\n  {% endif %}\nb", "a  {%- if true %} b {%+ endif %} c",
    "  {%+ if true %}\n  a\n  {%+ endif +%}\nb", "{# c #}\n x {#- c -#} \n y {# c +#}\nz", "a{#-#} b", "x\n\n", "x\r\ny\r\n", "{{ 1 }}\n{{ 2 }}\n", " {{- 1 -}} \n 2", "\t{% set x = 1 %}\n\t{{ x }}", "a {% set x = 1 %}\n b",
    "{% raw %}\n {{ x }} {% if %}\n  {%- endraw %} y", "{%- raw -%}  a {% endraw -%}  b", "{% raw %}a", "{{ '}}' }}{{ \"%}\" }}{{ {'a': {'b': 1}}['a'] }}", "{{", "{% if", "{# x", "{{ 'a }}", "{{ 1 }", "{{ (1 }}", "{{ 1) }}", "{{ ] }}",
    "{{ }}", "{% %}", "{% nothing %}", "{% if true %}", "{% endif %}", "{% for x in y %}{% endif %}", "{% if true %}{% else %}{% elif true %}{% endif %}", "{{ a b }}", "{{ a.'b' }}", "{{ 1 | }}", "{{ x is }}", "{{ $ }}", "{{ a = 1 }}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}", "{% if true %}{% set x = 1 %}{% endif %}{{ x }}", "{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}{{ ns.x }}",
    "{% set x.y = 1 %}", "{% set d = {} %}{% set d.y = 1 %}", "{% set ns = namespace(_a=1) %}", "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns['b'] }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1] %}", "{% set true = 1 %}", "{% set (a, b) = (1, 2) %}{{ b }}",
    "{% set x %} a {{ 1 }} {% endset %}[{{ x }}]", "{% set x | trim | upper %} a {% endset %}[{{ x }}]", "{% filter upper %}a{{ 'b' }}{% endfilter %}", "{% filter replace('a', 'b') | trim %} aa {% endfilter %}|", "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}",
    "{% for i in range(3) %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop['index'] }};{% endfor %}",
    "{% for i in [] %}x{% else %}empty{% endfor %}", "{% for i in [1, 2, 3, 4] if i is even %}{{ i }}{{ loop.length }}{% endfor %}", "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in {'a': 1} %}{{ k }}{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% for i in 5 %}{% endfor %}", "{% for i in none %}{% endfor %}", "{% for i in nothing %}x{% endfor %}y", "{% for c in 'añ' %}{{ c }}.{% endfor %}",
    "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{% break %}", "{% for i in [1, 2] %}{% for j in [3, 4] %}{{ loop.index }}{{ i }}{% break %}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for i in range(0, 10, 3) %}{{ i }}{% endfor %}{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}", "{{ range(100001) | list }}", "{% for i in [1] %}{% endfor %}{{ i }}{{ loop }}", "{% for loop in [1] %}{% endfor %}", "{{ range(3)[1] }}{{ range(3) | length }}",
    "{% set l = [1, 2] | map('string') %}{{ l | list }}{{ l | list }}", "{% set l = [1, 2] | map('string') %}{{ l[0] }}", "{{ ([1, 2] | map('string'))[:1] }}", "{% for a in [1, 2] | select %}{{ a }}{{ loop.last }}{% endfor %}", "{% if [] | map('upper') %}true{% endif %}",
    "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(a=5, c=6) }}{{ m() }}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(x=2) }}", "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, x=2) }}",
    "{% macro m(a, b) %}{{ a is defined }}{{ b is defined }}{% endmacro %}{{ m(1) }}", "{% macro m(a=1, b) %}{% endmacro %}", "{% set x = 1 %}{% macro m() %}{{ x }}{% set x = 2 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}", "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}",
    "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}", "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "{% macro m() %} x {% endmacro %}[{{ m() | trim }}]{{ m() is string }}", "{{ m() }}{% macro m() %}{% endmacro %}",
    "{% macro m(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call m('b') %}in{% endcall %}", "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}{{ b }}{% endcall %}", "{% macro m() %}x{% endmacro %}{% call m() %}{% endcall %}", "{% call 5 %}{% endcall %}",
    "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}", "{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% generation %}a{% set x = 1 %}{% endgeneration %}{{ x }}", "{% for i in [1] %}{% generation %}{{ loop.index }}{% endgeneration %}{% endfor %}",
    "{{ raise_exception('no') }}", "{{ raise_exception() }}", "{{ dict(a=1, b=2) }}{{ dict([('x', 1)], y=2) }}{{ dict({'k': 1}) }}", "{{ dict(1) }}", "{{ strftime_now is defined }}", "{{ bos_token }}{{ eos_token }}{{ tools }}{{ documents }}{{ add_generation_prompt }}",
    "{{ messages[0].role }}{{ messages[-1]['content'] }}{{ messages[5] }}{{ messages[2].nested.k.z[2] }}", "{{ messages[5].role }}", "{{ messages[0] }}", "{{ messages[1].content | trim | length }}{{ messages[1].content | upper }}", "{{ messages | selectattr('role', '==', 'user') | list }}",
    "{% set a = [*[1]] %}", "{{ dict(**{'a': 1}) }}", "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(**{'a': 1, 'b': 2}) }}", "{{ 'a' if }}", "{{ [1, 2 }}", "{{ {'a' 1} }}", "{% for in x %}{% endfor %}", "{% set = 1 %}", "{{ f(a=1, 2) }}",
    "{% if messages[0]['role'] == 'system' and (messages | length) > 1 %}ok{% elif x %}no{% else %}never{% endif %}", "{{ 1 if x is defined and x.y else 2 }}", "{{- ('a', 'b') -}}", "{{ 1, 2 }}", "{% for x in 1, 2 %}{{ x }}{% endfor %}", "{{ ns }}{% set ns = 1 %}{{ ns }}",
    "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}", "{% do x %}", "{{ ''.__class__.__mro__ }}", "{{ ''.__class__ }}", "{{ messages.__init__.__globals__ }}", "{% set x = namespace() %}{% set x.__class__ = 1 %}",
]


def expressions():
    for block, separator in ((EXPRESSIONS, " | "), (FILTERS, " ; "), (TESTS, " ; ")):
        for line in block.strip("\n").replace("\\\n", "\0").split("\n"):
            for expression in line.replace("\0", "\\\n").split(separator):
                yield "{{ " + expression.strip() + " }}"


def expected_of(template):
    try:
        return reference(template, [MESSAGES], False)[0]
    except Exception as error:  # it does not even compile
        return error


def found_of(program, template):
    with tempfile.TemporaryDirectory() as folder:
        messages_file, template_file = pathlib.Path(folder, "messages.jsonl"), pathlib.Path(folder, "template.jinja")
        messages_file.write_text(json.dumps(MESSAGES) + "\n", encoding="utf-8")
        template_file.write_text(template, encoding="utf-8", newline="")
        try:
            return ours(program, str(template_file), str(messages_file), False)[0]
        except subprocess.CalledProcessError as error:
            return {"error": error.stderr} if error.returncode == 3 else f"exit code {error.returncode}"


def results(program, templates):
    """What the program makes of each. Expressions that render go into one template, as every start of the program costs time."""
    rendering = [t for t in dict.fromkeys(expressions()) if isinstance(templates[t], str) and SEPARATOR not in templates[t]]
    joined = found_of(program, SEPARATOR.join(rendering))
    parts = joined.split(SEPARATOR) if isinstance(joined, str) else []
    if len(parts) != len(rendering):  # one of them is refused: each alone shows which
        rendering = []
    found = dict(zip(rendering, parts))
    alone = [t for t in templates if t not in found]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found.update(zip(alone, pool.map(lambda t: found_of(program, t), alone)))
    return found


def main():
    program = os.environ.get("ITERALIGN")
    if not program:
        print("skipped: ITERALIGN is not set")
        return 77
    templates = {template: expected_of(template) for template in [*expressions(), *TEMPLATES]}
    found = results(program, templates)
    differences = [f"{t!r}: {text}" for t, expected in templates.items() if (text := difference(expected, found[t]))]
    print("\n".join(differences))
    print(f"{len(templates) - len(differences)} of {len(templates)} templates equal")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
