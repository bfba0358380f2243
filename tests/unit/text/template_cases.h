/* Templates and what Jinja2 3.1.2 prints for them, in the sandbox that template.h names,
 * with MESSAGES and VARIABLES. The texts were written down from its output. */
#ifndef REASON_TESTS_TEXT_TEMPLATE_CASES_H
#define REASON_TESTS_TEXT_TEMPLATE_CASES_H

typedef struct template_case {
    const char *source, *printed;
} template_case;

static const char MESSAGES[] =
    "[{\"role\": \"system\", \"content\": \"Be <b>brief</b>.\"}, {\"role\": \"user\", "
    "\"content\": \"Hi é 😀\", \"n\": 1}, {\"role\": \"assistant\", \"content\": "
    "\"yo\", \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": {\"a\": "
    "[1, 2.5, null, true], \"b\": \"x\\\"y\"}}}]}]";

static const char VARIABLES[] =
    "{\"s\": \"Hello World\", \"u\": \"naïve ÉCOLE ß ǆ Σας ΑΣ\", \"n\": 7, \"neg\": "
    "-3, \"f\": 2.5, \"t\": true, \"fa\": false, \"no\": null, \"l\": [3, 1, 2], "
    "\"ls\": [\"b\", \"A\", \"c\", \"a\"], \"d\": {\"b\": 1, \"a\": [1, 2], "
    "\"items\": \"I\", \"C\": null}, \"e\": [], \"ml\": \"a\\n"
    "  b\\n\\nc\\n\", \"objs\": [{\"k\": \"x\", \"v\": 2, \"g\": \"A\"}, {\"k\": "
    "\"y\", \"v\": 1, \"g\": \"b\"}, {\"k\": \"z\", \"v\": 2, \"g\": \"a\"}], "
    "\"nest\": [[1, 2], [3, [4, 5]]], \"big\": 9007199254740993, \"html\": \"<a "
    "href='x'>\\\"&</a>\"}";

static const template_case WHITESPACE[] = {
    {"a\n{% if t %}\nb\n{% endif %}\nc\n", "a\nb\nc"},
    {"  {% if t %}  x  {% endif %}  \ny", "  x    \ny"},
    {"a {%- if t -%} b {%- endif -%} c", "abc"},
    {"a\n   {%+ if t %}b{% endif +%}\n c", "a\n   b\n c"},
    {"{{- 'x' -}}  y", "xy"},
    {"a  {{- 'x' -}}  y", "axy"},
    {"{# c #}\nx", "x"},
    {"a {#- c -#} b", "ab"},
    {"  {# c #}  \nx", "  \nx"},
    {"{#- a +#}\nz", "\nz"},
    {"{% raw %}{{ x }}{% endraw %}", "{{ x }}"},
    {"{% raw -%}  {{ x }}  {%- endraw %} z", "{{ x }} z"},
    {" {% raw %}\n a {% endraw %}\nb", "\n a b"},
    {"a\r\nb\rc\r\n\r\n", "a\nb\nc\n"},
    {"x\n\n", "x\n"},
    {"{{ 'a\r\nb' }}", "a\nb"},
    {"\302\240 {%- if t %}x{% endif %}", "x"},
    {"a\342\200\203{{- 'b' }}", "ab"},
    {"{%- raw -%} x {%- endraw -%} y", "xy"},
    {"{{+ 5 }}", "5"},
    {"{% if t +%}\nx{% endif %}", "\nx"},
    {"{% set x = 1 -%}\n\n x", "x"},
    {"{#", ""},
    {"{% raw %}", ""},
    {"{{ {'a': {}}}}", "{'a': {}}"},
    {"{{ {'a': {}} }}", "{'a': {}}"},
    {"{{ '}}' }}", "}}"},
    {"{% if '%}' %}x{% endif %}", "x"},
    {"  \t{%- set x=1 %}a", "a"},
    {"{{ 1 }}\n{{ 2 }}\n", "1\n2"},
    {"\n{% set x = 1 %}\n", "\n"},
    {"\n\n{#x#}\n\n", "\n\n"},
    {"a{##}b", "ab"},
    {"a{#-#}b  ", "ab  "},
    {"a {#--#} b", "ab"},
    {"x {%    raw   %} y {%   endraw   %} z", "x  y  z"},
    {"{% raw %}a{% endraw -%}  b", "ab"},
    {"line {# c \n c #} end", "line  end"},
    {"{{ '{#' }}{# x #}", "{#"},
    {"{", "{"},
    {"a { b } c {x}", "a { b } c {x}"},
    {"}} %}", "}} %}"},
    {"{ {", "{ {"},
    {"{{'a'}}{{'b'}}", "ab"},
    {"{%if t%}x{%endif%}", "x"},
    {"{%-if t-%}x{%-endif-%}", "x"},
};

static const template_case LITERALS[] = {
    {"{{ 1.0 }} {{ 1e16 }} {{ 1e-5 }} {{ 123456789012345680.0 }} {{ 0.1 }} {{ 1/3 }} "
     "{{ 2.5e-310 }} {{ 5e-324 }} {{ 1e22 }} {{ 1e15 }} {{ 100000.0 }} {{ 0.0001 }}",
     "1.0 1e+16 1e-05 1.2345678901234568e+17 0.1 0.3333333333333333 2.5e-310 5e-324 "
     "1e+22 1000000000000000.0 100000.0 0.0001"},
    {"{{ -0.0 }} {{ 1.7976931348623157e308 }} {{ 4.35 }} {{ 0.3 }} {{ "
     "9.5367431640625e-07}}",
     "-0.0 1.7976931348623157e+308 4.35 0.3 9.5367431640625e-07"},
    {"{{ 'a\\n\\t\\x41\\u00e9\\'\\\"\\\\' }}", "a\n\tAé'\"\\"},
    {"{{ 'a\\é' }}", "a\\xe9"},
    {"{{ 'é\\U0001F600\\101\\0' }}|", "é😀A\000|"},
    {"{{ 'a\\\nb' }}", "ab"},
    {"{{ 'a' 'b' \"c\" }}", "abc"},
    {"{{ '\\q' }}", "\\q"},
    {"{{ [1, 'a', none, true, 2.0, [], {}, (), (1,), {'a': 1}] }}",
     "[1, 'a', None, True, 2.0, [], {}, (), (1,), {'a': 1}]"},
    {"{{ [1,] }} {{ (1,2,) }} {{ {'a':1,} }}", "[1] (1, 2) {'a': 1}"},
    {"{{ True }} {{ None }} {{ False }} {{ true }} {{ none }}",
     "True None False True None"},
    {"{{ 'it\\'s' }} {{ ['it\\'s', 'a\"b', 'a\\'\"b', '\\n\\t\\x01\\x7f', 'é😀', "
     "'\\u200b', '\\xa0'] }}",
     "it's [\"it's\", 'a\"b', 'a\\'\"b', '\\n\\t\\x01\\x7f', 'é😀', '\\u200b', '\\xa0']"},
    {"{{ 1.e5 }}", ""},
    {"{{ [1][0].real }}", "1"},
};

static const template_case OPERATORS[] = {
    {"{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} {{ "
     "6 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2**3**2 }} {{ -2**2 }} {{ 2.0**0.5 }}",
     "3 -4 1 2 -2 3.5 3.0 1024 0.5 64 4 1.4142135623730951"},
    {"{{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }} {{ 7.5 % -2 }} {{ "
     "0.0 // 3 }} {{ -0.0 % 3}}",
     "3.0 -4.0 1.5 0.5 -0.5 0.0 0.0"},
    {"{{ 1 + 2 * 3 - 4 / 2 }} {{ (1+2)*3 }} {{ 1 - -1 }} {{ +5 }} {{ --5 }}",
     "5.0 9 2 5 5"},
    {"{{ 'a' + 'b' }} {{ 'ab' * 3 }} {{ 3 * 'ab' }} {{ [1] + [2] }} {{ [1] * 2 }} {{ "
     "(1,) + (2,) }} {{ 'a' * -1 }}|",
     "ab ababab ababab [1, 2] [1, 1] (1, 2) |"},
    {"{{ 1 ~ 'a' ~ none ~ 2.0 ~ [1] }}", "1aNone2.0[1]"},
    {"{{ true + 1 }} {{ true * 'x' }} {{ - true }} {{ true / 2 }} {{ true and 1 }}",
     "2 x -1 0.5 1"},
    {"{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 >= 2 != 1 }} {{ 1 == 1.0 == true }}",
     "True False True True"},
    {"{{ 1 in [1,2] }} {{ 3 not in [1,2] }} {{ 'a' in 'abc' }} {{ 'b' in d }} {{ 'zz' "
     "in d }} {{ 1 in (1,) }} {{ 2 in range(3) }} {{ 2.0 in range(3) }} {{ 5 in "
     "range(0,10,5) }} {{ 4 in range(10,0,-3) }}",
     "True True True True False True True True True True"},
    {"{{ [1,2] < [1,3] }} {{ [1] < [1,0] }} {{ (1,2) == (1,2) }} {{ [1] == (1,) }} {{ "
     "{'a':1,'b':2} == {'b':2,'a':1} }} {{ 'a' < 'b' }} {{ 'B' < 'a' }} {{ 'é' > 'z' "
     "}}",
     "True True True False True True True True"},
    {"{{ none == none }} {{ none != 1 }} {{ undefined_x == undefined_y }} {{ "
     "undefined_x == none }}",
     "True True True False"},
    {"{{ 1 and 0 or 'x' }} {{ 0 or '' }} {{ not 1 }} {{ not not 1 }} {{ not '' and 1 "
     "}} {{ '' or none }}",
     "x  False True 1 None"},
    {"{{ 1 if t else 2 }} {{ 1 if fa else 2 }} {{ 1 if fa }}| {{ 1 if fa else 2 if t "
     "else 3 }} {{ (1 if t) if t else 4 }}",
     "1 2 | 2 1"},
    {"{{ 1 if t if fa else 9 }}", "9"},
    {"{{ undefined_x }}|{{ undefined_x ~ 'a' }}|{{ [undefined_x] }}|{{ "
     "undefined_x|length }}|{{ undefined_x is defined }}|{{ not undefined_x }}",
     "|a|[Undefined]|0|False|True"},
    {"{{ 'x' in undefined_x }}", "False"},
    {"{{ 9007199254740993 == 9007199254740993.0 }} {{ 9007199254740993 < "
     "9007199254740994.0 }} {{ big }}",
     "False True 9007199254740993"},
    {"{{ 10**18 }} {{ 1e300*1e10 }} {{ -1e300*1e10 }}", "1000000000000000000 inf -inf"},
    {"{{ 'a' == 'a' == 'a' }} {{ 'a' != 'b' }}", "True True"},
    {"{{ 5 - 3 - 1 }} {{ 2 * 3 % 4 }} {{ 100 // 7 // 2 }}", "1 2 7"},
    {"{{ {1:'a', true:'b', 1.0:'c'} }}", "{1: 'c'}"},
    {"{{ {'a':1}['a'] }} {{ {1:2}[1.0] }} {{ {(1,2):3}[(1,2)] }}", "1 2 3"},
    {"{{ 'a' not in 'abc' and not 'z' in 'abc' }}", "False"},
    {"{{ [1,2,3] == [1,2,3.0] }}", "True"},
    {"{{ undefined_x or 'default' }}", "default"},
    {"{{ 3 % 2.5 }} {{ 7 // 0.5 }}", "0.5 14.0"},
    {"{{ 2 ** 0.5 ** 2 }}", "2.0000000000000004"},
    {"{{ not 1 == 2 }}", "True"},
    {"{{ 1 == 2 is true }}", "False"},
    {"{{ 1 + 1 is odd }}", "2"},
    {"{{ -1 is number }}", "True"},
    {"{{ -3|abs }}", "3"},
    {"{{ 'a' ~ 1|string ~ 2 }}", "a12"},
};

static const template_case ACCESS[] = {
    {"{{ d.a }} {{ d['a'] }} {{ d.items is callable }} {{ d['items'] }} {{ d.get('b') "
     "}} {{ d.get('zz') }} {{ d.get('zz', 5) }} {{ d.nothere }}|",
     "[1, 2] [1, 2] True I 1 None 5 |"},
    {"{{ l[0] }} {{ l[-1] }} {{ l.0 }} {{ l[10] }}| {{ l['x'] }}| {{ s[1] }} {{ s[-1] "
     "}} {{ u[2] }} {{ u[-1] }} {{ s[100] }}|",
     "3 2 3 | | e d ï Σ |"},
    {"{{ l[1:] }} {{ l[:-1] }} {{ l[::-1] }} {{ l[::2] }} {{ l[5:] }} {{ l[-2:] }} {{ "
     "l[2:0:-1] }} {{ s[1:4] }} {{ s[::-1] }} {{ u[::-2] }} {{ u[2:5] }} {{ "
     "(1,2,3)[1:] }} {{ s[:100] }} {{ s[-100:2] }} {{ s[::-3] }} {{ l[none:none] }} "
     "{{ l[0:0] }} {{ l[true:] }}",
     "[1, 2] [3, 1] [2, 1, 3] [3, 2] [] [1, 2] [2, 1] ell dlroW olleH Σ α   LC va ïve "
     "(2, 3) Hello World He dooe [3, 1, 2] [] [1, 2]"},
    {"{{ none[0] }}|{{ none.x }}|{{ 5.x }}", "||"},
    {"{{ 5 .x }}|{{ 5['x'] }}", "|"},
    {"{{ messages[0].role }} {{ messages[0]['content'] }} {{ messages[-1].tool_calls[0"
     "].function.arguments.a[1] }}",
     "system Be <b>brief</b>. 2.5"},
    {"{{ s.__class__ }}|{{ d.__class__ }}|{{ d._x }}|{{ s['__class__'] }}", "|||"},
    {"{{ l.append }}|", "|"},
    {"{{ l[1,2] }}|{{ d['a','b'] }}", "|"},
    {"{{ d[[1]] }}|", "|"},
    {"{{ range(5)[1:3] }} {{ range(10)[::3] }} {{ range(3)[-1] }} {{ range(5)[::-1] "
     "}} {{ range(0,10,2).start }} {{ range(3).stop }}",
     "range(1, 3) range(0, 10, 3) 2 range(4, -1, -1) 0 3"},
    {"{{ l.index(1) }} {{ l.count(1) }} {{ (1,1).count(1) }}", "1 1 2"},
    {"{{ d.keys() }} {{ d.values() }} {{ d.items() }} {{ d.keys()|list }} {{ d.copy() "
     "}} {{ d.items()|length }}",
     "dict_keys(['b', 'a', 'items', 'C']) dict_values([1, [1, 2], 'I', None]) "
     "dict_items([('b', 1), ('a', [1, 2]), ('items', 'I'), ('C', None)]) ['b', 'a', "
     "'items', 'C'] {'b': 1, 'a': [1, 2], 'items': 'I', 'C': None} 4"},
    {"{{ 'abc'.nothere }}", ""},
    {"{{ l[1.0] }}|", "|"},
    {"{{ l[none] }}|", "|"},
    {"{{ d[undefined_x] }}|", "|"},
    {"{{ {'a':{'b':{'c':1}}}.a.b.c }}", "1"},
    {"{{ s[1:2:1] }}{{ s[:] }}{{ s[::] }}", "eHello WorldHello World"},
    {"{{ l[] }}", ""},
    {"{{ nest[1][1][0] }} {{ nest.1.1.0 }}", "4 4"},
    {"{{ messages|length }} {{ messages[1:]|length }}", "3 2"},
    {"{{ s.upper().lower().title() }}", "Hello World"},
    {"{{ d|attr('items') is callable }} {{ d|attr('a') }}|", "True |"},
    {"{{ namespace(a=1).a }} {{ namespace(a=1)['a'] }} {{ namespace({'x':2}).x }} {{ "
     "namespace(a=1).zz }}| {{ namespace(a=1) }}",
     "1 1 2 | <Namespace {'a': 1}>"},
    {"{% set ns = namespace(a=1, _p=2) %}{{ ns._p }}|{{ ns.a }}", "|1"},
    {"{{ d['__class__'] }}|{{ d['_x'] }}|", "||"},
    {"{{ {'__class__': 5}['__class__'] }}{{ {'__foo': 5}.__foo }}{{ {'_foo': 6}._foo "
     "}}",
     "556"},
};

static const template_case METHODS[] = {
    {"{{ s.upper() }}|{{ s.title() }}|{{ s.capitalize() }}|{{ s.swapcase() }}|{{ "
     "s.casefold() }}|{{ s.strip() }}|{{ s.lstrip('H') }}|{{ s.rstrip('d') }}|{{ "
     "s.split() }}|{{ s.split('o') }}|{{ s.split('l',1) }}|{{ s.rsplit('l',1) }}",
     "HELLO WORLD|Hello World|Hello world|hELLO wORLD|hello world|Hello World|ello "
     "World|Hello Worl|['Hello', 'World']|['Hell', ' W', 'rld']|['He', 'lo "
     "World']|['Hello Wor', 'd']"},
    {"{{ s.split(None,1) }}|{{ s.rsplit(None,1) }}|{{ s.splitlines() }}|{{ "
     "s.splitlines(true) }}|{{ s.partition(' ') }}|{{ s.rpartition('o') }}|{{ "
     "s.partition('zz') }}|{{ s.rpartition('zz') }}|{{ s.replace('l','L',1) }}",
     "['Hello', 'World']|['Hello', 'World']|['Hello World']|['Hello World']|('Hello', "
     "' ', 'World')|('Hello W', 'o', 'rld')|('Hello World', '', '')|('', '', 'Hello "
     "World')|HeLlo World"},
    {"{{ s.replace('','-',3) }}|{{ s.find('o',5) }}|{{ s.rfind('o') }}|{{ "
     "s.count('l') }}|{{ s.count('') }}|{{ s.startswith(('x','H')) }}|{{ "
     "s.endswith('d') }}|{{ s.center(21,'*') }}|{{ s.ljust(15,'.') }}|{{ s.rjust(15) "
     "}}",
     "-H-e-llo World|7|7|3|12|True|True|*****Hello World*****|Hello World....|    "
     "Hello World"},
    {"{{ s.zfill(15) }}|{{ s.isalpha() }}|{{ s.isalnum() }}|{{ s.isupper() }}|{{ "
     "s.istitle() }}|{{ s.isascii() }}|{{ s.isprintable() }}|{{ s.removeprefix('Hel') "
     "}}|{{ s.removesuffix('ld') }}",
     "0000Hello World|False|False|False|True|True|True|lo World|Hello Wor"},
    {"{{ u.upper() }}|{{ u.title() }}|{{ u.capitalize() }}|{{ u.swapcase() }}|{{ "
     "u.casefold() }}|{{ u.strip() }}|{{ u.lstrip('H') }}|{{ u.rstrip('d') }}|{{ "
     "u.split() }}|{{ u.split('o') }}|{{ u.split('l',1) }}|{{ u.rsplit('l',1) }}",
     "NAÏVE ÉCOLE SS Ǆ ΣΑΣ ΑΣ|Naïve École Ss ǅ Σας Ας|Naïve école ß ǆ σας ας|NAÏVE "
     "école SS Ǆ σΑΣ ας|naïve école ss ǆ σασ ασ|naïve ÉCOLE ß ǆ Σας ΑΣ|naïve ÉCOLE ß "
     "ǆ Σας ΑΣ|naïve ÉCOLE ß ǆ Σας ΑΣ|['naïve', 'ÉCOLE', 'ß', 'ǆ', 'Σας', "
     "'ΑΣ']|['naïve ÉCOLE ß ǆ Σας ΑΣ']|['naïve ÉCOLE ß ǆ Σας ΑΣ']|['naïve ÉCOLE ß ǆ "
     "Σας ΑΣ']"},
    {"{{ u.split(None,1) }}|{{ u.rsplit(None,1) }}|{{ u.splitlines() }}|{{ "
     "u.splitlines(true) }}|{{ u.partition(' ') }}|{{ u.rpartition('o') }}|{{ "
     "u.partition('zz') }}|{{ u.rpartition('zz') }}|{{ u.replace('l','L',1) }}",
     "['naïve', 'ÉCOLE ß ǆ Σας ΑΣ']|['naïve ÉCOLE ß ǆ Σας', 'ΑΣ']|['naïve ÉCOLE ß ǆ "
     "Σας ΑΣ']|['naïve ÉCOLE ß ǆ Σας ΑΣ']|('naïve', ' ', 'ÉCOLE ß ǆ Σας ΑΣ')|('', '', "
     "'naïve ÉCOLE ß ǆ Σας ΑΣ')|('naïve ÉCOLE ß ǆ Σας ΑΣ', '', '')|('', '', 'naïve "
     "ÉCOLE ß ǆ Σας ΑΣ')|naïve ÉCOLE ß ǆ Σας ΑΣ"},
    {"{{ u.replace('','-',3) }}|{{ u.find('o',5) }}|{{ u.rfind('o') }}|{{ "
     "u.count('l') }}|{{ u.count('') }}|{{ u.startswith(('x','H')) }}|{{ "
     "u.endswith('d') }}|{{ u.center(21,'*') }}|{{ u.ljust(15,'.') }}|{{ u.rjust(15) "
     "}}",
     "-n-a-ïve ÉCOLE ß ǆ Σας ΑΣ|-1|-1|0|23|False|False|naïve ÉCOLE ß ǆ Σας ΑΣ|naïve "
     "ÉCOLE ß ǆ Σας ΑΣ|naïve ÉCOLE ß ǆ Σας ΑΣ"},
    {"{{ u.zfill(15) }}|{{ u.isalpha() }}|{{ u.isalnum() }}|{{ u.isupper() }}|{{ "
     "u.istitle() }}|{{ u.isascii() }}|{{ u.isprintable() }}|{{ u.removeprefix('Hel') "
     "}}|{{ u.removesuffix('ld') }}",
     "naïve ÉCOLE ß ǆ Σας ΑΣ|False|False|False|False|False|True|naïve ÉCOLE ß ǆ Σας "
     "ΑΣ|naïve ÉCOLE ß ǆ Σας ΑΣ"},
    {"{{ ml.upper() }}|{{ ml.title() }}|{{ ml.capitalize() }}|{{ ml.swapcase() }}|{{ "
     "ml.casefold() }}|{{ ml.strip() }}|{{ ml.lstrip('H') }}|{{ ml.rstrip('d') }}|{{ "
     "ml.split() }}|{{ ml.split('o') }}|{{ ml.split('l',1) }}",
     "A\n  B\n\nC\n|A\n  B\n\nC\n|A\n  b\n\nc\n|A\n  B\n\nC\n|a\n"
     "  b\n\nc\n|a\n  b\n\nc|a\n  b\n\nc\n|a\n  b\n\nc\n|['a', 'b', 'c']|['a\\n"
     "  b\\n\\nc\\n']|['a\\n  b\\n\\nc\\n']"},
    {"{{ ml.rsplit('l',1) }}|{{ ml.split(None,1) }}|{{ ml.rsplit(None,1) }}|{{ "
     "ml.splitlines() }}|{{ ml.splitlines(true) }}|{{ ml.partition(' ') }}|{{ "
     "ml.rpartition('o') }}|{{ ml.partition('zz') }}|{{ ml.rpartition('zz') }}",
     "['a\\n  b\\n\\nc\\n']|['a', 'b\\n\\nc\\n']|['a\\n  b', 'c']|['a', '  b', '', "
     "'c']|['a\\n', '  b\\n', '\\n', 'c\\n']|('a\\n', ' ', ' b\\n"
     "\\nc\\n')|('', '', 'a\\n  b\\n\\nc\\n')|('a\\n  b\\n\\nc\\n"
     "', '', '')|('', '', 'a\\n  b\\n\\nc\\n')"},
    {"{{ ml.replace('l','L',1) }}|{{ ml.replace('','-',3) }}|{{ ml.find('o',5) }}|{{ "
     "ml.rfind('o') }}|{{ ml.count('l') }}|{{ ml.count('') }}|{{ "
     "ml.startswith(('x','H')) }}|{{ ml.endswith('d') }}|{{ ml.center(21,'*') }}",
     "a\n  b\n\nc\n|-a-\n-  b\n\nc\n|-1|-1|0|10|False|False|******a\n"
     "  b\n\nc\n******"},
    {"{{ ml.ljust(15,'.') }}|{{ ml.rjust(15) }}|{{ ml.zfill(15) }}|{{ ml.isalpha() "
     "}}|{{ ml.isalnum() }}|{{ ml.isupper() }}|{{ ml.istitle() }}|{{ ml.isascii() "
     "}}|{{ ml.isprintable() }}|{{ ml.removeprefix('Hel') }}",
     "a\n  b\n\nc\n......|      a\n  b\n\nc\n|000000a\n  b\n\n"
     "c\n|False|False|False|False|True|False|a\n  b\n\nc\n"},
    {"{{ ml.removesuffix('ld') }}", "a\n  b\n\nc\n"},
    {"{{ '  a b  '.strip() }}|{{ '\\u2003x\\u3000'.strip() }}|{{ 'xxaxx'.strip('x') "
     "}}|{{ 'abcab'.strip('ab') }}|{{ 'éaé'.strip('é') }}",
     "a b|x|a|c|a"},
    {"{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ ' a  b '.split(' ') }} {{ "
     "'a  b c'.rsplit(none, 1) }} {{ '  a  b c  '.split(none, 1) }}",
     "['a', 'b', '', 'c'] ['a', 'b'] ['', 'a', '', 'b', ''] ['a  b', 'c'] ['a', 'b c  "
     "']"},
    {"{{ '-5'.zfill(4) }} {{ '+5'.zfill(4) }} {{ '12'.isdigit() }} {{ '²'.isdigit() "
     "}} {{ '½'.isnumeric() }} {{ 'a\\tb'.expandtabs(4) }}",
     "-005 +005 True True True a   b"},
    {"{{ 'a\\x0bb\\x0cc\\x1cd\\x85e\\u2028f\\r\\ng\\rh'.splitlines() }}",
     "['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']"},
    {"{{ 'ΑΣ'.lower() }} {{ 'ΑΣΑ'.lower() }} {{ 'Σ'.lower() }} {{ 'İ'.lower() }} {{ "
     "'ß'.upper() }} {{ 'ﬁx'.title() }} {{ 'ŉ'.upper() }} {{ 'ß'.casefold() }} {{ "
     "'ǆ'.title() }} {{ 'ᾳ'.upper() }}",
     "ας ασα σ i\314\207 SS Fix ʼN ss ǅ ΑΙ"},
    {"{{ \"they're bill's\".title() }} {{ \"they're bill's\"|title }} {{ 'foo-bar "
     "(baz) x_y'|title }}",
     "They'Re Bill'S They're Bill's Foo-Bar (Baz) X_y"},
    {"{{ '%s and %d, %5.2f|%-5s|%05d|%x|%X|%o|%e|%g|%c|%%|%r' % ('a', 5, 2.5, 'b', "
     "42, 255, 255, 8, 12345.678, 0.0001, 65, 'q') }}",
     "a and 5,  2.50|b    |00042|ff|FF|10|1.234568e+04|0.0001|A|%|'q'"},
    {"{{ '%s' % 5 }} {{ '%s' % [1,2] }} {{ '%(a)s %(b)d' % {'a':1,'b':2} }} {{ "
     "'%5s|%-5s|%.2s' % ('a','b','abcdef') }} {{ '%+d % d %+d' % (5, 5, -5) }} {{ "
     "'%#x %#o' % (255, 8) }}",
     "5 [1, 2] 1 2     a|b    |ab +5  5 -5 0xff 0o10"},
    {"{{ 'abc' % {} }}{{ 'abc' % [1] }}{{ 'abc' % () }}", "abcabcabc"},
    {"{{ '%d %i' % (2.9, -2.9) }} {{ '%d' % true }} {{ '%s' % true }} {{ '%f' % 1 }} "
     "{{ '%.0f %.0f' % (0.5, 1.5) }} {{ '%*d' % (5, 3) }} {{ '%-*d|' % (5, 3) }} {{ "
     "'%.*f' % (2, 1.234) }} {{ '%.3d' % 5 }} {{ '%c%c' % ('x', 233) }}",
     "2 -2 1 True 1.000000 0 2     3 3    | 1.23 005 xé"},
    {"{{ '%E %G %g %g %g' % (12345.678, 1e-10, 100000, 1000000, 1e20) }}",
     "1.234568E+04 1E-10 100000 1e+06 1e+20"},
    {"{{ '{} {}'.format(1, 'a') }} {{ '{1} {0}'.format(1, 'a') }} {{ '{a} "
     "{b}'.format(a=1, b=[2]) }} {{ '{0[1]} {1.a}'.format([1,2], {'a':3}) }} {{ '{{}} "
     "{}'.format(5) }} {{ '{!r} {!s}'.format('a', 'b') }}",
     "1 a a 1 1 [2] 2 3 {} 5 'a' b"},
    {"{{ '{:>5}|{:<5}|{:^5}|{:*^7}|{:05d}|{:+d}|{:x}|{:#x}|{:b}|{:o}|{:,}|{:_}|{:e}|{:"
     ".2f}|{:%}|{:.1%}|{:g}|{:c}'.format('a','b','c','d',42,5,255,255,5,8,1234567,1234"
     "567,12345.678,3.14159,0.25,0.256,1e10,65) }}",
     "    a|b    |  c  |***d***|00042|+5|ff|0xff|101|10|1,234,567|1_234_567|1.234568e+"
     "04|3.14|25.000000%|25.6%|1e+10|A"},
    {"{{ '{:08,}|{:010,}|{:,.2f}|{:_x}|{:=+8}|{:<08}|{:08.2f}'.format(1234, 1234567, "
     "12345.678, 1048576, 5, 3, -3.14159) }}",
     "0,001,234|01,234,567|12,345.68|10_0000|+      5|30000000|-0003.14"},
    {"{{ '{:.3}|{:.10}|{:.3}|{:.1}|{:}|{:10}|{:<10}|{:5}'.format(3.14159, 12.0, "
     "'abcdef', 12.0, 1.5, 2.5, 3.5, true) }}",
     "3.14|12.0|abc|1e+01|1.5|       2.5|3.5       |    1"},
    {"{{ '{:{}}|{:{w}.{p}f}'.format('a', 5, 3.14159, w=8, p=2) }}", "a    |    3.14"},
    {"{{ '{}'.format(none) }} {{ '{}'.format(undefined_x) }}|", "None |"},
    {"{{ '{0.__class__}'.format('a') }}|", "|"},
    {"{{ '{a}'.format_map({'a': 5}) }}", "5"},
    {"{{ '{:é>5}'.format('a') }} {{ '{:^5}|'.format('é') }}", "ééééa   é  |"},
    {"{{ '{:n} {:G} {:E}'.format(5, 1e-10, 12.5) }}", "5 1E-10 1.250000E+01"},
    {"{{ 'a'.join('bcd') }} {{ ''.join(['x','y']) }} {{ ','.join(d) }} {{ ', "
     "'.join(ls) }} {{ ','.join({'a':1}.keys()) }}",
     "bacad xy b,a,items,C b, A, c, a a"},
    {"{{ '{:-^20}'.format('x') }} {{ '{:<}'.format('x') }} {{ "
     "'{:5d}|{:<5d}|{:^5d}'.format(1,2,3) }} {{ '{: d}'.format(5) }}",
     "---------x---------- x     1|2    |  3    5"},
    {"{{ 'x'.format(1,2,a=3) }}", "x"},
};

static const template_case FILTERS[] = {
    {"{{ s|capitalize }}|{{ s|center(15) }}|{{ s|count }}|{{ s|default('D') }}|{{ "
     "s|d('D', true) }}|{{ s|e }}|{{ s|first }}|{{ s|float }}|{{ s|indent(2, true) "
     "}}|{{ s|int }}|{{ s|join('-') }}|{{ s|last }}|{{ s|list }}|{{ s|lower }}",
     "Hello world|  Hello World  |11|Hello World|Hello World|Hello World|H|0.0|  "
     "Hello World|0|H-e-l-l-o- -W-o-r-l-d|d|['H', 'e', 'l', 'l', 'o', ' ', 'W', 'o', "
     "'r', 'l', 'd']|hello world"},
    {"{{ s|max }}|{{ s|min }}|{{ s|reject|list }}|{{ s|reverse|list }}|{{ "
     "s|replace('l','x') }}|{{ s|select|list }}|{{ s|sort }}|{{ s|sort(reverse=true) "
     "}}|{{ s|string }}|{{ s|title }}|{{ s|tojson }}|{{ s|tojson(indent=2) }}",
     "W| |[]|['d', 'l', 'r', 'o', 'W', ' ', 'o', 'l', 'l', 'e', 'H']|Hexxo "
     "Worxd|['H', 'e', 'l', 'l', 'o', ' ', 'W', 'o', 'r', 'l', 'd']|[' ', 'd', 'e', "
     "'H', 'l', 'l', 'l', 'o', 'o', 'r', 'W']|['W', 'r', 'o', 'o', 'l', 'l', 'l', "
     "'H', 'e', 'd', ' ']|Hello World|Hello World|\"Hello World\"|\"Hello World\""},
    {"{{ s|tojson(ensure_ascii=true) }}|{{ s|tojson(sort_keys=true) }}|{{ s|trim "
     "}}|{{ s|truncate(5,true) }}|{{ s|unique|list }}|{{ s|urlencode }}|{{ "
     "s|wordcount }}|{{ s|map('upper')|list }}|{{ s|batch(2,'x')|list }}",
     "\"Hello World\"|\"Hello World\"|Hello World|He...|['H', 'e', 'l', 'o', ' ', "
     "'W', 'r', 'd']|Hello%20World|2|['H', 'E', 'L', 'L', 'O', ' ', 'W', 'O', 'R', "
     "'L', 'D']|[['H', 'e'], ['l', 'l'], ['o', ' '], ['W', 'o'], ['r', 'l'], ['d', "
     "'x']]"},
    {"{{ s|slice(2)|list }}",
     "[['H', 'e', 'l', 'l', 'o', ' '], ['W', 'o', 'r', 'l', 'd']]"},
    {"{{ l|capitalize }}|{{ l|center(15) }}|{{ l|count }}|{{ l|default('D') }}|{{ "
     "l|d('D', true) }}|{{ l|e }}|{{ l|first }}|{{ l|float }}|{{ l|int }}|{{ "
     "l|join('-') }}|{{ l|last }}|{{ l|list }}|{{ l|lower }}|{{ l|max }}|{{ l|min }}",
     "[3, 1, 2]|   [3, 1, 2]   |3|[3, 1, 2]|[3, 1, 2]|[3, 1, 2]|3|0.0|0|3-1-2|2|[3, "
     "1, 2]|[3, 1, 2]|3|1"},
    {"{{ l|reject|list }}|{{ l|reverse|list }}|{{ l|replace('l','x') }}|{{ "
     "l|select|list }}|{{ l|sort }}|{{ l|sort(reverse=true) }}|{{ l|string }}|{{ "
     "l|sum }}|{{ l|title }}|{{ l|tojson }}|{{ l|tojson(indent=2) }}",
     "[]|[2, 1, 3]|[3, 1, 2]|[3, 1, 2]|[1, 2, 3]|[3, 2, 1]|[3, 1, 2]|6|[3, 1, 2]|[3, "
     "1, 2]|[\n  3,\n  1,\n  2\n]"},
    {"{{ l|tojson(ensure_ascii=true) }}|{{ l|tojson(sort_keys=true) }}|{{ l|trim "
     "}}|{{ l|truncate(5,true) }}|{{ l|unique|list }}|{{ l|wordcount }}|{{ "
     "l|map('upper')|list }}|{{ l|batch(2,'x')|list }}|{{ l|slice(2)|list }}",
     "[3, 1, 2]|[3, 1, 2]|[3, 1, 2]|[3, 1, 2]|[3, 1, 2]|3|['3', '1', '2']|[[3, 1], "
     "[2, 'x']]|[[3, 1], [2]]"},
    {"{{ d|capitalize }}|{{ d|center(15) }}|{{ d|count }}|{{ d|default('D') }}|{{ "
     "d|d('D', true) }}|{{ d|dictsort }}|{{ d|e }}|{{ d|first }}|{{ d|float }}|{{ "
     "d|int }}|{{ d|join('-') }}|{{ d|last }}|{{ d|list }}|{{ d|lower }}",
     "{'b': 1, 'a': [1, 2], 'items': 'i', 'c': none}|{'b': 1, 'a': [1, 2], 'items': "
     "'I', 'C': None}|4|{'b': 1, 'a': [1, 2], 'items': 'I', 'C': None}|{'b': 1, 'a': "
     "[1, 2], 'items': 'I', 'C': None}|[('a', [1, 2]), ('b', 1), ('C', None), "
     "('items', 'I')]|{&#39;b&#39;: 1, &#39;a&#39;: [1, 2], &#39;items&#39;: "
     "&#39;I&#39;, &#39;C&#39;: None}|b|0.0|0|b-a-items-C|C|['b', 'a', 'items', "
     "'C']|{'b': 1, 'a': [1, 2], 'items': 'i', 'c': none}"},
    {"{{ d|items|list }}|{{ d|max }}|{{ d|min }}|{{ d|reject|list }}|{{ "
     "d|reverse|list }}|{{ d|replace('l','x') }}|{{ d|select|list }}|{{ d|sort }}|{{ "
     "d|sort(reverse=true) }}|{{ d|string }}|{{ d|title }}|{{ d|tojson }}",
     "[('b', 1), ('a', [1, 2]), ('items', 'I'), ('C', None)]|items|a|[]|['C', "
     "'items', 'a', 'b']|{'b': 1, 'a': [1, 2], 'items': 'I', 'C': None}|['b', 'a', "
     "'items', 'C']|['a', 'b', 'C', 'items']|['items', 'C', 'b', 'a']|{'b': 1, 'a': "
     "[1, 2], 'items': 'I', 'C': None}|{'b': 1, 'a': [1, 2], 'items': 'i', 'c': "
     "None}|{\"b\": 1, \"a\": [1, 2], \"items\": \"I\", \"C\": null}"},
    {"{{ d|tojson(indent=2) }}|{{ d|tojson(ensure_ascii=true) }}|{{ "
     "d|tojson(sort_keys=true) }}|{{ d|trim }}|{{ d|truncate(5,true) }}|{{ "
     "d|unique|list }}|{{ d|urlencode }}|{{ d|wordcount }}|{{ d|map('upper')|list }}",
     "{\n  \"b\": 1,\n  \"a\": [\n    1,\n    2\n  ],\n  \"items\": \"I\",\n"
     "  \"C\": null\n}|{\"b\": 1, \"a\": [1, 2], \"items\": \"I\", \"C\": "
     "null}|{\"C\": null, \"a\": [1, 2], \"b\": 1, \"items\": \"I\"}|{'b': 1, 'a': "
     "[1, 2], 'items': 'I', 'C': None}|{'b': 1, 'a': [1, 2], 'items': 'I', 'C': "
     "None}|['b', 'a', 'items', 'C']|b=1&a=%5B1%2C+2%5D&items=I&C=None|9|['B', 'A', "
     "'ITEMS', 'C']"},
    {"{{ d|batch(2,'x')|list }}|{{ d|slice(2)|list }}",
     "[['b', 'a'], ['items', 'C']]|[['b', 'a'], ['items', 'C']]"},
    {"{{ f|abs }}|{{ f|capitalize }}|{{ f|center(15) }}|{{ f|default('D') }}|{{ "
     "f|d('D', true) }}|{{ f|e }}|{{ f|float }}|{{ f|int }}|{{ f|lower }}|{{ "
     "f|replace('l','x') }}|{{ f|round(1) }}|{{ f|string }}|{{ f|title }}|{{ f|tojson "
     "}}",
     "2.5|2.5|      2.5      |2.5|2.5|2.5|2.5|2|2.5|2.5|2.5|2.5|2.5|2.5"},
    {"{{ f|tojson(indent=2) }}|{{ f|tojson(ensure_ascii=true) }}|{{ "
     "f|tojson(sort_keys=true) }}|{{ f|trim }}|{{ f|urlencode }}|{{ f|wordcount }}|{{ "
     "f|filesizeformat }}",
     "2.5|2.5|2.5|2.5|2.5|2|2 Bytes"},
    {"{{ t|abs }}|{{ t|capitalize }}|{{ t|center(15) }}|{{ t|default('D') }}|{{ "
     "t|d('D', true) }}|{{ t|e }}|{{ t|float }}|{{ t|int }}|{{ t|lower }}|{{ "
     "t|replace('l','x') }}|{{ t|round(1) }}|{{ t|string }}|{{ t|title }}|{{ t|tojson "
     "}}",
     "1|True|      True     |True|True|True|1.0|1|true|True|1|True|True|true"},
    {"{{ t|tojson(indent=2) }}|{{ t|tojson(ensure_ascii=true) }}|{{ "
     "t|tojson(sort_keys=true) }}|{{ t|trim }}|{{ t|urlencode }}|{{ t|wordcount }}|{{ "
     "t|filesizeformat }}",
     "true|true|true|True|True|1|1 Byte"},
    {"{{ e|capitalize }}|{{ e|center(15) }}|{{ e|count }}|{{ e|default('D') }}|{{ "
     "e|d('D', true) }}|{{ e|e }}|{{ e|first }}|{{ e|float }}|{{ e|int }}|{{ "
     "e|join('-') }}|{{ e|last }}|{{ e|list }}|{{ e|lower }}|{{ e|max }}|{{ e|min }}",
     "[]|       []      |0|[]|D|[]||0.0|0|||[]|[]||"},
    {"{{ e|reject|list }}|{{ e|reverse|list }}|{{ e|replace('l','x') }}|{{ "
     "e|select|list }}|{{ e|sort }}|{{ e|sort(reverse=true) }}|{{ e|string }}|{{ "
     "e|sum }}|{{ e|title }}|{{ e|tojson }}|{{ e|tojson(indent=2) }}",
     "[]|[]|[]|[]|[]|[]|[]|0|[]|[]|[]"},
    {"{{ e|tojson(ensure_ascii=true) }}|{{ e|tojson(sort_keys=true) }}|{{ e|trim "
     "}}|{{ e|truncate(5,true) }}|{{ e|unique|list }}|{{ e|urlencode }}|{{ "
     "e|wordcount }}|{{ e|map('upper')|list }}|{{ e|batch(2,'x')|list }}",
     "[]|[]|[]|[]|[]||0|[]|[]"},
    {"{{ e|slice(2)|list }}", "[[], []]"},
    {"{{ objs|capitalize }}|{{ objs|center(15) }}|{{ objs|count }}|{{ "
     "objs|default('D') }}|{{ objs|d('D', true) }}|{{ objs|e }}|{{ objs|first }}|{{ "
     "objs|float }}|{{ objs|int }}|{{ objs|join('-') }}|{{ objs|last }}|{{ objs|list "
     "}}",
     "[{'k': 'x', 'v': 2, 'g': 'a'}, {'k': 'y', 'v': 1, 'g': 'b'}, {'k': 'z', 'v': 2, "
     "'g': 'a'}]|[{'k': 'x', 'v': 2, 'g': 'A'}, {'k': 'y', 'v': 1, 'g': 'b'}, {'k': "
     "'z', 'v': 2, 'g': 'a'}]|3|[{'k': 'x', 'v': 2, 'g': 'A'}, {'k': 'y', 'v': 1, "
     "'g': 'b'}, {'k': 'z', 'v': 2, 'g': 'a'}]|[{'k': 'x', 'v': 2, 'g': 'A'}, {'k': "
     "'y', 'v': 1, 'g': 'b'}, {'k': 'z', 'v': 2, 'g': 'a'}]|[{&#39;k&#39;: "
     "&#39;x&#39;, &#39;v&#39;: 2, &#39;g&#39;: &#39;A&#39;}, {&#39;k&#39;: "
     "&#39;y&#39;, &#39;v&#39;: 1, &#39;g&#39;: &#39;b&#39;}, {&#39;k&#39;: "
     "&#39;z&#39;, &#39;v&#39;: 2, &#39;g&#39;: &#39;a&#39;}]|{'k': 'x', 'v': 2, 'g': "
     "'A'}|0.0|0|{'k': 'x', 'v': 2, 'g': 'A'}-{'k': 'y', 'v': 1, 'g': 'b'}-{'k': 'z', "
     "'v': 2, 'g': 'a'}|{'k': 'z', 'v': 2, 'g': 'a'}|[{'k': 'x', 'v': 2, 'g': 'A'}, "
     "{'k': 'y', 'v': 1, 'g': 'b'}, {'k': 'z', 'v': 2, 'g': 'a'}]"},
    {"{{ objs|lower }}|{{ objs|reject|list }}|{{ objs|reverse|list }}|{{ "
     "objs|replace('l','x') }}|{{ objs|select|list }}|{{ objs|string }}|{{ objs|title "
     "}}|{{ objs|tojson }}|{{ objs|tojson(indent=2) }}",
     "[{'k': 'x', 'v': 2, 'g': 'a'}, {'k': 'y', 'v': 1, 'g': 'b'}, {'k': 'z', 'v': 2, "
     "'g': 'a'}]|[]|[{'k': 'z', 'v': 2, 'g': 'a'}, {'k': 'y', 'v': 1, 'g': 'b'}, "
     "{'k': 'x', 'v': 2, 'g': 'A'}]|[{'k': 'x', 'v': 2, 'g': 'A'}, {'k': 'y', 'v': 1, "
     "'g': 'b'}, {'k': 'z', 'v': 2, 'g': 'a'}]|[{'k': 'x', 'v': 2, 'g': 'A'}, {'k': "
     "'y', 'v': 1, 'g': 'b'}, {'k': 'z', 'v': 2, 'g': 'a'}]|[{'k': 'x', 'v': 2, 'g': "
     "'A'}, {'k': 'y', 'v': 1, 'g': 'b'}, {'k': 'z', 'v': 2, 'g': 'a'}]|[{'k': 'x', "
     "'v': 2, 'g': 'a'}, {'k': 'y', 'v': 1, 'g': 'b'}, {'k': 'z', 'v': 2, 'g': "
     "'a'}]|[{\"k\": \"x\", \"v\": 2, \"g\": \"A\"}, {\"k\": \"y\", \"v\": 1, \"g\": "
     "\"b\"}, {\"k\": \"z\", \"v\": 2, \"g\": \"a\"}]|[\n  {\n"
     "    \"k\": \"x\",\n    \"v\": 2,\n    \"g\": \"A\"\n  },\n"
     "  {\n    \"k\": \"y\",\n    \"v\": 1,\n    \"g\": \"b\"\n"
     "  },\n  {\n    \"k\": \"z\",\n    \"v\": 2,\n    \"g\": \"a\"\n"
     "  }\n]"},
    {"{{ objs|tojson(ensure_ascii=true) }}|{{ objs|tojson(sort_keys=true) }}|{{ "
     "objs|trim }}|{{ objs|truncate(5,true) }}|{{ objs|wordcount }}|{{ "
     "objs|map('upper')|list }}|{{ objs|batch(2,'x')|list }}|{{ objs|slice(2)|list }}",
     "[{\"k\": \"x\", \"v\": 2, \"g\": \"A\"}, {\"k\": \"y\", \"v\": 1, \"g\": "
     "\"b\"}, {\"k\": \"z\", \"v\": 2, \"g\": \"a\"}]|[{\"g\": \"A\", \"k\": \"x\", "
     "\"v\": 2}, {\"g\": \"b\", \"k\": \"y\", \"v\": 1}, {\"g\": \"a\", \"k\": \"z\", "
     "\"v\": 2}]|[{'k': 'x', 'v': 2, 'g': 'A'}, {'k': 'y', 'v': 1, 'g': 'b'}, {'k': "
     "'z', 'v': 2, 'g': 'a'}]|[{'k': 'x', 'v': 2, 'g': 'A'}, {'k': 'y', 'v': 1, 'g': "
     "'b'}, {'k': 'z', 'v': 2, 'g': 'a'}]|18|[\"{'K': 'X', 'V': 2, 'G': 'A'}\", "
     "\"{'K': 'Y', 'V': 1, 'G': 'B'}\", \"{'K': 'Z', 'V': 2, 'G': 'A'}\"]|[[{'k': "
     "'x', 'v': 2, 'g': 'A'}, {'k': 'y', 'v': 1, 'g': 'b'}], [{'k': 'z', 'v': 2, 'g': "
     "'a'}, 'x']]|[[{'k': 'x', 'v': 2, 'g': 'A'}, {'k': 'y', 'v': 1, 'g': 'b'}], "
     "[{'k': 'z', 'v': 2, 'g': 'a'}]]"},
    {"{{ html|capitalize }}|{{ html|center(15) }}|{{ html|count }}|{{ "
     "html|default('D') }}|{{ html|d('D', true) }}|{{ html|e }}|{{ html|first }}|{{ "
     "html|float }}|{{ html|indent(2, true) }}|{{ html|int }}|{{ html|join('-') }}",
     "<a href='x'>\"&</a>|<a href='x'>\"&</a>|18|<a href='x'>\"&</a>|<a "
     "href='x'>\"&</a>|&lt;a href=&#39;x&#39;&gt;&#34;&amp;&lt;/a&gt;|<|0.0|  <a "
     "href='x'>\"&</a>|0|<-a- -h-r-e-f-=-'-x-'->-\"-&-<-/-a->"},
    {"{{ html|last }}|{{ html|list }}|{{ html|lower }}|{{ html|max }}|{{ html|min "
     "}}|{{ html|reject|list }}|{{ html|reverse|list }}|{{ html|replace('l','x') "
     "}}|{{ html|select|list }}|{{ html|sort }}|{{ html|sort(reverse=true) }}",
     ">|['<', 'a', ' ', 'h', 'r', 'e', 'f', '=', \"'\", 'x', \"'\", '>', '\"', '&', "
     "'<', '/', 'a', '>']|<a href='x'>\"&</a>|x| |[]|['>', 'a', '/', '<', '&', '\"', "
     "'>', \"'\", 'x', \"'\", '=', 'f', 'e', 'r', 'h', ' ', 'a', '<']|<a "
     "href='x'>\"&</a>|['<', 'a', ' ', 'h', 'r', 'e', 'f', '=', \"'\", 'x', \"'\", "
     "'>', '\"', '&', '<', '/', 'a', '>']|[' ', '\"', '&', \"'\", \"'\", '/', '<', "
     "'<', '=', '>', '>', 'a', 'a', 'e', 'f', 'h', 'r', 'x']|['x', 'r', 'h', 'f', "
     "'e', 'a', 'a', '>', '>', '=', '<', '<', '/', \"'\", \"'\", '&', '\"', ' ']"},
    {"{{ html|string }}|{{ html|title }}|{{ html|tojson }}|{{ html|tojson(indent=2) "
     "}}|{{ html|tojson(ensure_ascii=true) }}|{{ html|tojson(sort_keys=true) }}|{{ "
     "html|trim }}|{{ html|truncate(5,true) }}|{{ html|unique|list }}",
     "<a href='x'>\"&</a>|<A Href='x'>\"&</a>|\"<a href='x'>\\\"&</a>\"|\"<a "
     "href='x'>\\\"&</a>\"|\"<a href='x'>\\\"&</a>\"|\"<a href='x'>\\\"&</a>\"|<a "
     "href='x'>\"&</a>|<a...|['<', 'a', ' ', 'h', 'r', 'e', 'f', '=', \"'\", 'x', "
     "'>', '\"', '&', '/']"},
    {"{{ html|urlencode }}|{{ html|wordcount }}|{{ html|map('upper')|list }}|{{ "
     "html|batch(2,'x')|list }}|{{ html|slice(2)|list }}",
     "%3Ca%20href%3D%27x%27%3E%22%26%3C/a%3E|4|['<', 'A', ' ', 'H', 'R', 'E', 'F', "
     "'=', \"'\", 'X', \"'\", '>', '\"', '&', '<', '/', 'A', '>']|[['<', 'a'], [' ', "
     "'h'], ['r', 'e'], ['f', '='], [\"'\", 'x'], [\"'\", '>'], ['\"', '&'], ['<', "
     "'/'], ['a', '>']]|[['<', 'a', ' ', 'h', 'r', 'e', 'f', '=', \"'\"], ['x', "
     "\"'\", '>', '\"', '&', '<', '/', 'a', '>']]"},
    {"{{ objs|map(attribute='k')|join }} {{ objs|selectattr('v','equalto',2)|map(attri"
     "bute='k')|list }} {{ objs|rejectattr('v','eq',2)|list }} {{ "
     "objs|selectattr('v')|list|length }} {{ objs|sort(attribute='v')|map(attribute='k"
     "')|join }} {{ objs|sort(attribute='v,k', reverse=true)|map(attribute='k')|join "
     "}} {{ objs|sum(attribute='v') }} {{ objs|groupby('v') }} {{ objs|groupby('g') }}",
     "xyz ['x', 'z'] [{'k': 'y', 'v': 1, 'g': 'b'}] 3 yxz zxy 5 [(1, [{'k': 'y', 'v': "
     "1, 'g': 'b'}]), (2, [{'k': 'x', 'v': 2, 'g': 'A'}, {'k': 'z', 'v': 2, 'g': "
     "'a'}])] [('A', [{'k': 'x', 'v': 2, 'g': 'A'}, {'k': 'z', 'v': 2, 'g': 'a'}]), "
     "('b', [{'k': 'y', 'v': 1, 'g': 'b'}])]"},
    {"{% for g in objs|groupby('g') %}{{ g.grouper }}:{{ g.list|length }} {% endfor "
     "%}{% for a, b in objs|groupby('v') %}{{ a }}{{ b|map(attribute='k')|list }}{% "
     "endfor %}",
     "A:2 b:1 1['y']2['x', 'z']"},
    {"{{ objs|groupby('g', case_sensitive=true) }}",
     "[('A', [{'k': 'x', 'v': 2, 'g': 'A'}]), ('a', [{'k': 'z', 'v': 2, 'g': 'a'}]), "
     "('b', [{'k': 'y', 'v': 1, 'g': 'b'}])]"},
    {"{{ objs|groupby('zz', default='q') }}",
     "[('q', [{'k': 'x', 'v': 2, 'g': 'A'}, {'k': 'y', 'v': 1, 'g': 'b'}, {'k': 'z', "
     "'v': 2, 'g': 'a'}])]"},
    {"{{ objs|map(attribute='zz')|list }} {{ objs|map(attribute='zz', default=0)|list "
     "}} {{ nest|map('first')|list }} {{ nest|map('join', '-')|list }} {{ "
     "nest|map(attribute=0)|list }} {{ nest|map(attribute='1')|list }}",
     "[Undefined, Undefined, Undefined] [0, 0, 0] [1, 3] ['1-2', '3-[4, 5]'] [1, 3] "
     "[2, [4, 5]]"},
    {"{{ [1,2,3]|select('odd')|list }} {{ [1,2,3]|select('gt', 1)|list }} {{ "
     "[1,2,3]|reject('==', 2)|list }} {{ [0,1,'']|select|list }}",
     "[1, 3] [2, 3] [1, 3] [1]"},
    {"{{ []|map('nofilter')|list }}", "[]"},
    {"{{ ls|sort }} {{ ls|sort(case_sensitive=true) }} {{ ls|sort(true) }} {{ "
     "ls|unique|list }} {{ ['a','A','b']|unique|list }} {{ ['a','A','b']|unique(true)|"
     "list }} {{ ls|min }} {{ ls|max }} {{ ls|max(case_sensitive=true) }} {{ "
     "objs|max(attribute='v') }} {{ []|max }}| {{ []|first }}|{{ []|last }}|",
     "['A', 'a', 'b', 'c'] ['A', 'a', 'b', 'c'] ['c', 'b', 'A', 'a'] ['b', 'A', 'c'] "
     "['a', 'b'] ['a', 'A', 'b'] A c c {'k': 'x', 'v': 2, 'g': 'A'} | ||"},
    {"{{ d|dictsort }} {{ d|dictsort(true) }} {{ d|dictsort(reverse=true) }}",
     "[('a', [1, 2]), ('b', 1), ('C', None), ('items', 'I')] [('C', None), ('a', [1, "
     "2]), ('b', 1), ('items', 'I')] [('items', 'I'), ('C', None), ('b', 1), ('a', "
     "[1, 2])]"},
    {"{{ {'a':2,'b':1}|dictsort(by='value') }} {{ {'a':2,'b':1}|dictsort(false,'value'"
     ") }}",
     "[('b', 1), ('a', 2)] [('b', 1), ('a', 2)]"},
    {"{{ 42.55|round }} {{ 42.55|round(1) }} {{ 42.55|round(1,'floor') }} {{ "
     "42.51|round(0,'ceil') }} {{ 42|round }} {{ 45|round(-1) }} {{ 55|round(-1) }} "
     "{{ -45|round(-1) }} {{ 2.5|round }} {{ 0.5|round }} {{ 1234.5678|round(2) }} {{ "
     "1234|round(-2) }} {{ 1250.0|round(-2) }} {{ 2.675|round(2) }} {{ "
     "42|round(1,'floor') }}",
     "43.0 42.5 42.5 43.0 42 40 60 -40 2.0 0.0 1234.57 1200 1200.0 2.67 42.0"},
    {"{{ '42'|int }} {{ ' 42 '|int }} {{ '42.7'|int }} {{ 'x'|int }} {{ 'x'|int(7) }} "
     "{{ '0x1f'|int(base=16) }} {{ '1f'|int(0,16) }} {{ '0b11'|int(0,2) }} {{ "
     "'1_000'|int }} {{ '-5'|int }} {{ '+5'|int }} {{ 3.99|int }} {{ -3.99|int }} {{ "
     "none|int }} {{ true|int }} {{ ''|int }} {{ '1e3'|int }} {{ [1]|int }} {{ "
     "'0x1f'|int }}",
     "42 42 42 0 7 31 31 3 1000 -5 5 3 -3 0 1 0 1000 0 0"},
    {"{{ '1.5'|float }} {{ 'x'|float }} {{ 'x'|float(2) }} {{ 'inf'|float }} {{ "
     "'-Infinity'|float }} {{ 'nan'|float }} {{ '1e5'|float }} {{ ' 2 '|float }} {{ "
     "none|float }} {{ true|float }} {{ '1_0.5'|float }} {{ '.5'|float }} {{ "
     "'5.'|float }}",
     "1.5 0.0 2 inf -inf nan 100000.0 2.0 0.0 1.0 10.5 0.5 5.0"},
    {"{{ 1e300|default('x') }}", "1e+300"},
    {"{{ 'nan'|float|int }}", "0"},
    {"{{ 'foo bar baz qux'|truncate(9) }} {{ 'foo bar baz qux'|truncate(9, true) }} "
     "{{ 'foo bar baz qux'|truncate(11) }} {{ 'foo bar baz qux'|truncate(11, false, "
     "'...', 0) }} {{ 'abcdefghijkl'|truncate(5) }}",
     "foo... foo ba... foo bar baz qux foo bar... ab..."},
    {"{{ [1,2,3,4,5,6,7]|batch(3)|list }} {{ [1,2,3,4,5,6,7]|batch(3,0)|list }} {{ "
     "[1,2,3,4,5,6,7]|slice(3)|list }} {{ [1,2,3,4,5,6,7]|slice(3,0)|list }} {{ "
     "[1,2]|slice(3,'x')|list }}",
     "[[1, 2, 3], [4, 5, 6], [7]] [[1, 2, 3], [4, 5, 6], [7, 0, 0]] [[1, 2, 3], [4, "
     "5], [6, 7]] [[1, 2, 3], [4, 5, 0], [6, 7, 0]] [[1], [2], ['x']]"},
    {"{{ 'a b/c?é&'|urlencode }} {{ {'a b':'c/d','e':1}|urlencode }} {{ "
     "[('a',1),('b','x y')]|urlencode }}",
     "a%20b/c%3F%C3%A9%26 a+b=c%2Fd&e=1 a=1&b=x+y"},
    {"{{ {'class':'a b','id':none,'x':'<\"'}|xmlattr }}|{{ {'a':1}|xmlattr(false) }}",
     " class=\"a b\" x=\"&lt;&#34;\"|a=\"1\""},
    {"{{ 1000|filesizeformat }} {{ 1|filesizeformat }} {{ 999|filesizeformat }} {{ "
     "1234567|filesizeformat }} {{ 1234567|filesizeformat(true) }} {{ "
     "1e30|filesizeformat }} {{ '1024'|filesizeformat }} {{ 1024|filesizeformat(binary"
     "=true) }}",
     "1.0 kB 1 Byte 999 Bytes 1.2 MB 1.2 MiB 1000000.0 YB 1.0 kB 1.0 KiB"},
    {"{{ d|tojson }} {{ messages|tojson }} {{ messages|tojson(indent=2) }} {{ "
     "d|tojson(indent=4, sort_keys=true) }} {{ {1:2, none:3, true:4, 1.5:6}|tojson }} "
     "{{ [1.0, 1e100, 1e-7]|tojson }} {{ 'é\\u2028<>&\\'\\x7f\\x01'|tojson }} {{ "
     "'é😀\\x7f'|tojson(ensure_ascii=true) }} {{ ('nan'|float)|tojson }} {{ "
     "('-inf'|float)|tojson }} {{ (1,2)|tojson }} {{ []|tojson(indent=2) }} {{ "
     "{}|tojson(indent=2) }} {{ {'a':[],'b':{}}|tojson(indent=1) }}",
     "{\"b\": 1, \"a\": [1, 2], \"items\": \"I\", \"C\": null} [{\"role\": "
     "\"system\", \"content\": \"Be <b>brief</b>.\"}, {\"role\": \"user\", "
     "\"content\": \"Hi é 😀\", \"n\": 1}, {\"role\": \"assistant\", \"content\": "
     "\"yo\", \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": "
     "{\"a\": [1, 2.5, null, true], \"b\": \"x\\\"y\"}}}]}] [\n"
     "  {\n    \"role\": \"system\",\n    \"content\": \"Be <b>brief</b>.\"\n"
     "  },\n  {\n    \"role\": \"user\",\n    \"content\": \"Hi é 😀\",\n"
     "    \"n\": 1\n  },\n  {\n    \"role\": \"assistant\",\n    \"content\": "
     "\"yo\",\n    \"tool_calls\": [\n      {\n        \"function\": {\n"
     "          \"name\": \"f\",\n          \"arguments\": {\n"
     "            \"a\": [\n              1,\n              2.5,\n"
     "              null,\n              true\n            ],\n"
     "            \"b\": \"x\\\"y\"\n          }\n        }\n      }\n"
     "    ]\n  }\n] {\n    \"C\": null,\n    \"a\": [\n        1,\n"
     "        2\n    ],\n    \"b\": 1,\n    \"items\": \"I\"\n"
     "} {\"1\": 4, \"null\": 3, \"1.5\": 6} [1.0, 1e+100, 1e-07] "
     "\"é\342\200\250<>&'\177\\u0001\" \"\\u00e9\\ud83d\\ude00\\u007f\" NaN -Infinity "
     "[1, 2] [] {} {\n \"a\": [],\n \"b\": {}\n}"},
    {"{{ {'a':1}|tojson(separators=(',', ':'), indent=2) }} {{ "
     "[1,[2]]|tojson(indent='\\t') }} {{ [1]|tojson(indent=-1) }} {{ "
     "[1]|tojson(indent=true) }} {{ [1,2]|tojson(indent=none) }}",
     "{\n  \"a\":1\n} [\n\t1,\n\t[\n\t\t2\n\t]\n] [\n1\n] [\n 1\n"
     "] [1, 2]"},
    {"{{ [3,1,2]|sort|first }} {{ 'abc'|first }} {{ 'abc'|last }} {{ d|first }} {{ "
     "d|last }} {{ range(3)|last }} {{ (1,2)|last }}",
     "1 a c b C 2 2"},
    {"{{ 'abc'|reverse }} {{ [1,2]|reverse|list }} {{ (1,2)|reverse|list }} {{ "
     "d|reverse|list }} {{ range(3)|reverse|list }} {{ ([1,2]|map('string'))|reverse "
     "}}",
     "cba [2, 1] [2, 1] ['C', 'items', 'a', 'b'] [2, 1, 0] ['2', '1']"},
    {"{{ d|items|list }} {{ undefined_x|items|list }}",
     "[('b', 1), ('a', [1, 2]), ('items', 'I'), ('C', None)] []"},
    {"{{ 'a b  c-d_e é'|wordcount }}", "5"},
    {"{{ 'x'|indent(first=true) }} {{ 'a\\nb\\n\\nc'|indent }} {{ 'a\\n"
     "b\\n\\nc'|indent(blank=true) }} {{ ''|indent }}|",
     "    x a\n    b\n\n    c a\n    b\n    \n    c |"},
    {"{{ 5|string + 'a' }} {{ 5|upper }} {{ none|upper }} {{ [1]|title }} {{ 5|trim "
     "}} {{ ' a '|trim|length }} {{ 'xax'|trim('x') }} {{ 5|replace(5,6) }} {{ "
     "'aaa'|replace('a','b',2) }} {{ 'abc'|replace('','-') }} {{ 5|capitalize }}",
     "5a 5 NONE [1] 5 1 a 6 bba -a-b-c- 5"},
    {"{% if fa %}{{ 1|nofilter }}{% endif %}x", "x"},
    {"{{ 1|nofilter if fa else 2 }}", "2"},
    {"{{ 'a'|center(width=5) }}|", "  a  |"},
    {"{{ [1,2]|join(d=';') }} {{ [[1,2],[3]]|join(',', attribute=0) }} {{ "
     "objs|join(',', attribute='k') }} {{ 'abc'|join('-') }} {{ d|join(',') }} {{ "
     "[1,none,undefined_x]|join(',') }} {{ [1,2]|join(3) }}",
     "1;2 1,3 x,y,z a-b-c b,a,items,C 1,None, 132"},
    {"{{ l|list is sameas l }} {{ l is sameas l }} {{ none is sameas none }} {{ 1 is "
     "sameas true }}",
     "False True True False"},
    {"{{ [1,2,3,4]|select('divisibleby', 2)|list }} {{ ['a','b']|select('in', "
     "'ax')|list }} {{ [1,none]|select('none')|list }} {{ ['a',1]|select('string')|lis"
     "t }}",
     "[2, 4] ['a'] [None] ['a']"},
    {"{{ messages|selectattr('role','equalto','user')|map(attribute='content')|first "
     "}} {{ messages|selectattr('tool_calls','defined')|list|length }} {{ "
     "messages|rejectattr('role','in',['user','system'])|map(attribute='role')|list "
     "}} {{ messages|map(attribute='content')|map('length')|list }} {{ "
     "messages|map(attribute='content')|map('trim')|map('upper')|join(' ') }}",
     "Hi é 😀 1 ['assistant'] [16, 6, 2] BE <B>BRIEF</B>. HI É 😀 YO"},
    {"{{ (l|map('string')) is iterable }} {{ (l|map('string')) is sequence }} {{ "
     "(l|map('string')) is mapping }}",
     "True False False"},
    {"{% set g = l|map('string') %}{{ g|list }}{{ g|list }}", "['3', '1', '2'][]"},
    {"{% set g = l|map('string') %}{{ g|first }}{{ g|first }}{{ '2' in g }}{{ g|list "
     "}}",
     "31True[]"},
};

static const template_case TESTS[] = {
    {"{{ [(1) is defined, (1) is undefined, (1) is none, (1) is boolean, (1) is true, "
     "(1) is false, (1) is integer, (1) is float, (1) is number, (1) is string, (1) "
     "is mapping, (1) is iterable, (1) is sequence, (1) is callable, (1) is escaped, "
     "(1) is lower, (1) is upper, (1) is odd, (1) is even, (1) is divisibleby 2, (1) "
     "is sameas none, (1) is in [1,'a'], (1) is eq 1, (1) is ne 1, (1) is lt 5, (1) "
     "is equalto 'a', (1) is not none]|map('int')|join }}",
     "100000101000000001000110101"},
    {"{{ [(2.5) is defined, (2.5) is undefined, (2.5) is none, (2.5) is boolean, "
     "(2.5) is true, (2.5) is false, (2.5) is integer, (2.5) is float, (2.5) is "
     "number, (2.5) is string, (2.5) is mapping, (2.5) is iterable, (2.5) is "
     "sequence, (2.5) is callable, (2.5) is escaped, (2.5) is lower, (2.5) is upper, "
     "(2.5) is odd, (2.5) is even, (2.5) is divisibleby 2, (2.5) is sameas none, "
     "(2.5) is in [1,'a'], (2.5) is eq 1, (2.5) is ne 1, (2.5) is lt 5, (2.5) is "
     "equalto 'a', (2.5) is not none]|map('int')|join }}",
     "100000011000000000000001101"},
    {"{{ [('A') is defined, ('A') is undefined, ('A') is none, ('A') is boolean, "
     "('A') is true, ('A') is false, ('A') is integer, ('A') is float, ('A') is "
     "number, ('A') is string, ('A') is mapping, ('A') is iterable, ('A') is "
     "sequence, ('A') is callable, ('A') is escaped, ('A') is lower, ('A') is upper, "
     "('A') is sameas none, ('A') is in [1,'a'], ('A') is eq 1, ('A') is ne 1, ('A') "
     "is equalto 'a', ('A') is not none]|map('int')|join }}",
     "10000000010110001000101"},
    {"{{ [('') is defined, ('') is undefined, ('') is none, ('') is boolean, ('') is "
     "true, ('') is false, ('') is integer, ('') is float, ('') is number, ('') is "
     "string, ('') is mapping, ('') is iterable, ('') is sequence, ('') is callable, "
     "('') is escaped, ('') is lower, ('') is upper, ('') is sameas none, ('') is in "
     "[1,'a'], ('') is eq 1, ('') is ne 1, ('') is equalto 'a', ('') is not "
     "none]|map('int')|join }}",
     "10000000010110000000101"},
    {"{{ [(none) is defined, (none) is undefined, (none) is none, (none) is boolean, "
     "(none) is true, (none) is false, (none) is integer, (none) is float, (none) is "
     "number, (none) is string, (none) is mapping, (none) is iterable, (none) is "
     "sequence, (none) is callable, (none) is escaped, (none) is lower, (none) is "
     "upper, (none) is sameas none, (none) is in [1,'a'], (none) is eq 1, (none) is "
     "ne 1, (none) is equalto 'a', (none) is not none]|map('int')|join }}",
     "10100000000000000100100"},
    {"{{ [([1]) is defined, ([1]) is undefined, ([1]) is none, ([1]) is boolean, "
     "([1]) is true, ([1]) is false, ([1]) is integer, ([1]) is float, ([1]) is "
     "number, ([1]) is string, ([1]) is mapping, ([1]) is iterable, ([1]) is "
     "sequence, ([1]) is callable, ([1]) is escaped, ([1]) is lower, ([1]) is upper, "
     "([1]) is sameas none, ([1]) is in [1,'a'], ([1]) is eq 1, ([1]) is ne 1, ([1]) "
     "is equalto 'a', ([1]) is not none]|map('int')|join }}",
     "10000000000110000000101"},
    {"{{ [({}) is defined, ({}) is undefined, ({}) is none, ({}) is boolean, ({}) is "
     "true, ({}) is false, ({}) is integer, ({}) is float, ({}) is number, ({}) is "
     "string, ({}) is mapping, ({}) is iterable, ({}) is sequence, ({}) is callable, "
     "({}) is escaped, ({}) is lower, ({}) is upper, ({}) is sameas none, ({}) is in "
     "[1,'a'], ({}) is eq 1, ({}) is ne 1, ({}) is equalto 'a', ({}) is not "
     "none]|map('int')|join }}",
     "10000000001110000000101"},
    {"{{ [(()) is defined, (()) is undefined, (()) is none, (()) is boolean, (()) is "
     "true, (()) is false, (()) is integer, (()) is float, (()) is number, (()) is "
     "string, (()) is mapping, (()) is iterable, (()) is sequence, (()) is callable, "
     "(()) is escaped, (()) is lower, (()) is upper, (()) is sameas none, (()) is in "
     "[1,'a'], (()) is eq 1, (()) is ne 1, (()) is equalto 'a', (()) is not "
     "none]|map('int')|join }}",
     "10000000000110000000101"},
    {"{{ [(dict) is defined, (dict) is undefined, (dict) is none, (dict) is boolean, "
     "(dict) is true, (dict) is false, (dict) is integer, (dict) is float, (dict) is "
     "number, (dict) is string, (dict) is mapping, (dict) is iterable, (dict) is "
     "sequence, (dict) is callable, (dict) is escaped, (dict) is lower, (dict) is "
     "upper, (dict) is sameas none, (dict) is in [1,'a'], (dict) is eq 1, (dict) is "
     "ne 1, (dict) is equalto 'a', (dict) is not none]|map('int')|join }}",
     "10000000000001010000101"},
    {"{{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }} {{ 'nope' is "
     "test }}",
     "True False True False"},
    {"{% if fa %}{{ 1 is nope }}{% endif %}", ""},
    {"{{ 1 is not defined }} {{ not 1 is defined }} {{ x is defined and x }}|",
     "False False False|"},
    {"{{ 1 is odd and 2 is even or 3 is odd }}", "True"},
    {"{{ 3 is in [1,2,3] }} {{ 3 is not in [1] }}", "True True"},
    {"{{ 'a' is eq 'a' ~ 'b' }}", "Trueb"},
    {"{{ 4 is divisibleby 2 + 1 }}", "2"},
    {"{{ 1 is number and true }}", "True"},
};

static const template_case STATEMENTS[] = {
    {"{% for x in l %}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}", "3,1,2"},
    {"{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ "
     "loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth "
     "}}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }}|{% endfor %}",
     "1032TrueFalse3101|2121FalseFalse31032|3210FalseTrue3101|"},
    {"{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {{ "
     "loop.last }} {% else %}none{% endfor %}",
     "1/2:3 False 2/2:2 True "},
    {"{% for x in [] %}a{% else %}b{% endfor %}", "b"},
    {"{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
     "32"},
    {"{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% else %}E{% "
     "endfor %}",
     "3"},
    {"{% for x in l %}{% continue %}{% else %}E{% endfor %}", "E"},
    {"{% for x in l %}{% break %}{% else %}E{% endfor %}", "E"},
    {"{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
     "b=1;a=[1, 2];items=I;C=None;"},
    {"{% for k in d %}{{ k }}{% endfor %}", "baitemsC"},
    {"{% for (a, b) in [(1,2),(3,4)] %}{{ a }}{{ b }}{% endfor %}", "1234"},
    {"{% for a, (b, c) in [(1,(2,3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "123"},
    {"{% for a in 'héy' %}{{ a }}.{% endfor %}", "h.é.y."},
    {"{% for x in undefined_x %}a{% else %}b{% endfor %}", "b"},
    {"{% for x in range(3) %}{{ x }}{% endfor %}{% for x in range(5, 0, -2) %}{{ x "
     "}}{% endfor %}",
     "012531"},
    {"{% for x in l %}{% for y in ls %}{{ loop.index }}{% endfor %}{{ loop.index }}{% "
     "endfor %}",
     "123411234212343"},
    {"{% for x in l %}{% set outer = loop %}{% for y in ls %}{{ outer.index }}{{ "
     "loop.index }} {% endfor %}{% endfor %}",
     "11 12 13 14 21 22 23 24 31 32 33 34 "},
    {"{% for x in l %}{{ loop.cycle('a','b') }}{{ loop.changed(x // 2) }}{% endfor %}",
     "aTruebTrueaTrue"},
    {"{% for x in l %}{{ loop }}{% endfor %}",
     "<LoopContext 1/3><LoopContext 2/3><LoopContext 3/3>"},
    {"{% for x in l|map('string') %}{{ loop.length }}{{ loop.index }}{{ x }}{% endfor "
     "%}",
     "313321332"},
    {"{% for x in l %}{{ loop.nope }}|{% endfor %}", "|||"},
    {"{{ loop }}|", "|"},
    {"{% set loop = 3 %}{{ loop }}", "3"},
    {"{% for x in l if loop %}{{ x }}{% endfor %}", ""},
    {"{% for x in l %}{% for y in l if y == loop.index %}{{ y }}{% endfor %}{% endfor "
     "%}",
     "123"},
    {"{% set x = 1 %}{% for i in l %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}", "2221"},
    {"{% set x = 1 %}{% for i in l %}{{ x }}{% set x = x + 1 %}{{ x }} {% endfor %}{{ "
     "x }}",
     "12 12 12 1"},
    {"{% for i in l %}{{ y }}{% set y = i %}{% endfor %}{{ y }}|", "|"},
    {"{% for m in l %}{{ t }}{% endfor %}{% set t = 9 %}{{ t }}", "9"},
    {"{% if fa %}{% set n = 1 %}{% endif %}{{ n }}", "7"},
    {"{% if t %}{% set n = 1 %}{% endif %}{{ n }}", "1"},
    {"{% for i in l %}{% if i == 1 %}{% set n = i %}{% endif %}{{ n }}{% endfor %}{{ "
     "n }}",
     "7177"},
    {"{% if t %}{{ n }}{% else %}{% set n = 1 %}{% endif %}{{ n }}", "77"},
    {"{% if t %}{{ n }}{% set n = 2 %}{% elif t %}{% set n = 3 %}{% else %}{% set n = "
     "1 %}{% endif %}{{ n }}",
     "2"},
    {"{% if fa %}{% elif t %}{% set q = 3 %}{% endif %}{{ q }}", "3"},
    {"{% if fa %}{% elif fa %}{% set n = 3 %}{% elif t %}x{% else %}{% set n = 4 %}{% "
     "endif %}{{ n }}",
     "x7"},
    {"{% if t %}{% set q = 1 %}{% endif %}{% for i in l %}{{ q }}{% endfor %}", "111"},
    {"{% if fa %}1{% elif n == 7 %}2{% else %}3{% endif %}", "2"},
    {"{% if 0 %}{% elif '' %}{% elif [] %}{% elif {} %}{% elif none %}{% elif 0.0 "
     "%}{% else %}all false{% endif %}",
     "all false"},
    {"{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (a, b) = (b, a) %}{{ a }}{{ b }}",
     "1221"},
    {"{% set a = 1, 2 %}{{ a }}", "(1, 2)"},
    {"{% set a %}x{{ n }}y{% endset %}{{ a }}|{{ a|length }}", "x7y|3"},
    {"{% set a | upper | replace('X','z') %}x{{ n }}y{% endset %}{{ a }}", "z7Y"},
    {"{% set ns = namespace(x=0) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor "
     "%}{{ ns.x }}",
     "6"},
    {"{% set ns = namespace() %}{% set ns.x %}block{% endset %}{{ ns.x }}", "block"},
    {"{% set ns = namespace() %}{% for i in l %}{% for k in l %}{% set ns.v = (i, k) "
     "%}{% endfor %}{% endfor %}{{ ns.v }}{{ ns }}",
     "(2, 2)<Namespace {'v': (2, 2)}>"},
    {"{% with a=1, b=2 %}{{ a }}{{ b }}{% endwith %}{{ a }}|", "12|"},
    {"{% set a = 5 %}{% with a=1, b=a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "155"},
    {"{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z }}|", "1|"},
    {"{% with a, b = (1, 2) %}{{ a }}{{ b }}{% endwith %}", "12"},
    {"{% filter upper %}a{{ s }}b{% endfilter %}", "AHELLO WORLDB"},
    {"{% filter upper|replace('A','x') %}a{{ s }}b{% endfilter %}", "xHELLO WORLDB"},
    {"{% filter indent(n) %}a\nb{% endfilter %}{% set n = 1 %}", "a\n       b"},
    {"{% print 1, 2 %}", "12"},
    {"{% print s %}", "Hello World"},
    {"{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}|{{ "
     "m(1,3) }}|{{ m(1,c=5) }}|{{ m(b=1,a=2) }}|{{ m() }}",
     "12x|13x|125|21x|2x"},
    {"{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1,2,3,x=4) }}",
     "1(2, 3){'x': 4}"},
    {"{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "11"},
    {"{% macro m(a=b, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m() }}", "2"},
    {"{% macro m() %}{{ n }}{% set n = 5 %}{{ n }}{% endmacro %}{{ m() }}{{ n }}",
     "757"},
    {"{% set v = 1 %}{% macro m() %}{{ v }}{% endmacro %}{% set v = 2 %}{{ m() }}", "2"},
    {"{% macro m(x) %}{% if x > 0 %}{{ x }}{{ m(x-1) }}{% endif %}{% endmacro %}{{ "
     "m(3) }}",
     "321"},
    {"{% macro m() %}x{% endmacro %}{{ m }}{{ m.name }}{{ m.arguments }}{{ "
     "m.catch_kwargs }}{{ m.caller }}",
     "<Macro 'm'>m()FalseFalse"},
    {"{% macro outer() %}[{{ caller() }}]{% endmacro %}{% call outer() %}hi {{ n }}{% "
     "endcall %}",
     "[hi 7]"},
    {"{% macro outer(x) %}{% for i in x %}[{{ caller(i) }}]{% endfor %}{% endmacro "
     "%}{% call(i) outer(l) %}{{ i * 2 }}{% endcall %}",
     "[6][2][4]"},
    {"{% macro outer(x) %}{{ caller(1, b=2) }}{% endmacro %}{% call(a, b=5, c=6) "
     "outer() %}{{ a }}{{ b }}{{ c }}{% endcall %}",
     "126"},
    {"{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}", "False"},
    {"{% macro m(caller=none) %}{{ caller }}{% endmacro %}{{ m() }}", "None"},
    {"{% for i in l %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "312"},
    {"{% for i in l %}{% set x %}{% break %}{% endset %}{% endfor %}ok", "ok"},
    {"{% for i in l %}a{% set x %}zz{% continue %}{% endset %}{% endfor %}ok", "aaaok"},
    {"{% for i in l %}{% with q=i %}{% if q==1 %}{% continue %}{% endif %}{{ q }}{% "
     "endwith %}{% endfor %}{{ q }}",
     "32"},
    {"{% for i in l %}{% filter upper %}a{% break %}{% endfilter %}{% endfor %}b", "b"},
    {"{% for j in l %}{% for i in [] %}{% else %}{% break %}{% endfor %}{{ j }}{% "
     "endfor %}",
     ""},
    {"{% set x = namespace(f=none) %}{% for m in messages if not x.f %}{{ m.role }}{% "
     "set x.f = true %}{% endfor %}",
     "system"},
    {"{% for m in messages if m.role != 'system' %}{{ loop.previtem.role if "
     "loop.previtem }}>{{ m.role }}>{{ loop.nextitem.role if loop.nextitem }} {% "
     "endfor %}",
     ">user>assistant user>assistant> "},
    {"{% set a = 1 %}{{ a }}{% set a = a + 1 %}{{ a }}", "12"},
    {"{% for x in l: %}{{ x }}{% endfor %}", "312"},
    {"{% if t: %}x{% endif %}", "x"},
    {"{% macro m(x): %}{{ x }}{% endmacro %}{{ m(1) }}", "1"},
    {"{{ dict(a=1, b=2) }} {{ dict([('a',1)]) }} {{ dict({'a':1}, b=2) }} {{ dict() }}",
     "{'a': 1, 'b': 2} {'a': 1} {'a': 1, 'b': 2} {}"},
    {"{{ range(3)|list }} {{ range(3) }} {{ range(1,3) }} {{ range(0,6,2) }} {{ "
     "range(3) == range(0,3) }} {{ range(3)|length }}",
     "[0, 1, 2] range(0, 3) range(1, 3) range(0, 6, 2) True 3"},
    {"{% set c = cycler('a','b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ "
     "c.current }}{{ c.reset() }}{{ c.next() }}",
     "ababNonea"},
    {"{% set j = joiner('|') %}{{ j() }}a{{ j() }}b{{ j() }}c", "a|b|c"},
    {"{% set j = joiner() %}{{ j() }}a{{ j() }}b", "a, b"},
    {"{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %Y %B %A %a %j %U %W %V %G %u %w %y %C "
     "%e %I %p %-d %-m %D %F %T %R %c %x %X %h %% %f %Z %z %_d %^a %q') }}",
     "2026-01-02 03:04:05 02 Jan 2026 January Friday Fri 002 00 00 01 2026 5 5 26 20  "
     "2 03 AM 2 1 01/02/26 2026-01-02 03:04:05 03:04 Fri Jan  2 03:04:05 2026 "
     "01/02/26 03:04:05 Jan % 000000    2 FRI %q"},
    {"{{ strftime_now('') }}|{{ strftime_now('%') }}", "|%"},
    {"{% macro m(a,b,c,d) %}{{ a }}{{ b }}{{ c }}{{ d }}{% endmacro %}{{ m(1, *[2,3], "
     "**{'d':4}) }} {{ m(*[1,2], c=3, d=4) }} {{ m(*l) }}",
     "1234 1234 312"},
    {"{% macro m(a,b,c,d) %}{{ a }}{{ b }}{{ c }}{{ d }}{% endmacro %}{{ m(c=3, "
     "*[1,2]) }}",
     "123"},
    {"{{ dict(**{'a':1}) }}{{ dict(**d) }}",
     "{'a': 1}{'b': 1, 'a': [1, 2], 'items': 'I', 'C': None}"},
    {"{{ [1,2,3][1:][0] }} {{ 'a b'.split()[0].upper() }} {{ ('a','b')[1] }} {{ "
     "{'a':[1,{'b':2}]}.a[1].b }}",
     "2 A b 2"},
    {"{{ 'a'.upper()|lower }} {{ ('a'|upper)[0] }} {{ 'a'|upper|lower }} {{ "
     "('a')|upper }} {{ s|upper()|lower() }}",
     "a A a A hello world"},
    {"{{ (1,2)|join(',') }} {{ [1,2,3]|join(',')|length }} {{ 'x' if 'a' in ['a'] "
     "else 'y' }} {{ 'x' if n is odd and n > 5 }}",
     "1,2 5 x x"},
    {"{{ 1 if 1 else 2 ~ 3 }} {{ (1 if 1 else 2) ~ 3 }}", "1 13"},
    {"{{ n is odd }}{{ n is even }}{{ not n is odd }}", "TrueFalseFalse"},
    {"{% set x = 'a' if t else 'b' %}{{ x }}", "a"},
    {"{% set x = [] %}{% set x = x + [1] %}{{ x }}", "[1]"},
    {"{{ ['a', 'b'] | join(', ') | upper }}", "A, B"},
    {"{{ -1 | abs }} {{ (-1) | abs }} {{ 2 - 1 | abs }}", "1 1 1"},
    {"{{ 'a' * 3 ~ 'b' * 2 }}", "aaabb"},
    {"{{ 1.5 | int + 1 }} {{ '5' | int * 2 }}", "2 10"},
    {"{% for x in [1,2,3] | reverse %}{{ x }}{% endfor %}", "321"},
    {"{% for x in l[::-1] %}{{ x }}{% endfor %}", "213"},
    {"{% for i in range(messages|length - 1, -1, -1) %}{{ messages[i].role }} {% "
     "endfor %}",
     "assistant user system "},
    {"{% set found = false %}{% for m in messages %}{% if m.role == 'user' %}{% set "
     "found = true %}{% endif %}{% endfor %}{{ found }}",
     "False"},
    {"{% macro f(x) %}{% if x is string %}S{% elif x is mapping %}M{% elif x is "
     "iterable %}I{% else %}O{% endif %}{% endmacro %}{{ f('a') }}{{ f({}) }}{{ f([]) "
     "}}{{ f(1) }}{{ f(none) }}{{ f(undefined_x) }}",
     "SMIOOI"},
    {"{{ none is none }}{{ none }}|{{ [none] }}", "TrueNone|[None]"},
    {"{{ x.y.z if x is defined and x.y is defined else 'no' }}", "no"},
    {"{{ d.a[0] if d.a else '' }}", "1"},
    {"{% if d.a and d.a[0] == 1 and (n > 5 or fa) %}y{% endif %}", "y"},
    {"{%- for m in messages -%}\n  {{- '<|' + m['role'] + '|>' -}}\n"
     "  {{ m['content'] | trim }}\n{%- endfor -%}",
     "<|system|>Be <b>brief</b>.<|user|>Hi é 😀<|assistant|>yo"},
    {"{{ '' if no is none else no }}", ""},
    {"{{ {'a': 1, 'b': none}|tojson }}|{{ {}.get('x', {}) }}",
     "{\"a\": 1, \"b\": null}|{}"},
    {"{{ x|string }}|", "|"},
    {"x", "x"},
    {"y", "y"},
    {"{% for k, v in d|dictsort %}{{ k }}{% endfor %}", "abCitems"},
    {"{% for k, v in d|items %}{{ k }}{% endfor %}", "baitemsC"},
    {"{{ (d.items()|list)[0][0] }} {{ d.keys()|sort|first }} {{ "
     "d.values()|list|length }}",
     "b a 4"},
    {"{{ 'abc'|list }} {{ 'abc'|list|length }} {{ d|list }} {{ (1,2)|list }} {{ "
     "range(2)|list }}",
     "['a', 'b', 'c'] 3 ['b', 'a', 'items', 'C'] [1, 2] [0, 1]"},
    {"{{ 1 }}{# comment {{ x }} #}{{ 2 }}", "12"},
    {"{{ \"a\" }}{{ 'b' }}", "ab"},
    {"{{ messages[0] }}", "{'role': 'system', 'content': 'Be <b>brief</b>.'}"},
    {"{{ messages }}",
     "[{'role': 'system', 'content': 'Be <b>brief</b>.'}, {'role': 'user', 'content': "
     "'Hi é 😀', 'n': 1}, {'role': 'assistant', 'content': 'yo', 'tool_calls': "
     "[{'function': {'name': 'f', 'arguments': {'a': [1, 2.5, None, True], 'b': "
     "'x\"y'}}}]}]"},
    {"{{ u }} {{ [u] }}", "naïve ÉCOLE ß ǆ Σας ΑΣ ['naïve ÉCOLE ß ǆ Σας ΑΣ']"},
    {"{{ d }} {{ nest }} {{ (nest, d) }}",
     "{'b': 1, 'a': [1, 2], 'items': 'I', 'C': None} [[1, 2], [3, [4, 5]]] ([[1, 2], "
     "[3, [4, 5]]], {'b': 1, 'a': [1, 2], 'items': 'I', 'C': None})"},
    {"{{ \"\\\"\" }}", "\""},
    {"{{ {'a':1}.a }}{{ {'a':1}['a'] }}", "11"},
    {"{% if a is defined %}{{ a }}{% endif %}{% macro x() %}{% set a = 2 %}{{ a }}{% "
     "endmacro %}{{ x() }}{{ a }}|",
     "2|"},
    {"{% for x in l %}{% if loop.first %}{% set z = x %}{% endif %}{{ z }}|{% endfor "
     "%}",
     "3|||"},
    {"{% for s in l %}{{ s }}{% endfor %}{{ s }}", "312Hello World"},
    {"{% for x in l %}{% set s = s ~ x %}{{ s }}{% endfor %}{{ s }}",
     "Hello World3Hello World1Hello World2Hello World"},
    {"{% set x %}{% set y = 1 %}{{ y }}{% endset %}{{ x }}{{ y }}|", "1|"},
    {"{% macro m() %}{% for i in l %}{{ i }}{{ caller(i) if caller }}{% endfor %}{% "
     "endmacro %}{% call(q) m() %}-{{ q }}{{ i }}{% endcall %}",
     "3-31-12-2"},
    {"{% set q = 1 %}{% if t %}{% for i in l %}{% set q = i %}{% endfor %}{% endif "
     "%}{{ q }}",
     "1"},
    {"{% if fa %}{% if t %}{% set n = 1 %}{% endif %}{% endif %}{{ n }}", "7"},
    {"{% macro m(a) %}{% if fa %}{% set a = 1 %}{% endif %}{{ a }}{% endmacro %}{{ "
     "m(5) }}",
     "5"},
    {"{% for n in l %}{% if fa %}{% set n = 1 %}{% endif %}{{ n }}{% endfor %}", "312"},
    {"{% set x = x if x is defined else 'dx' %}{{ x }}", "dx"},
    {"{% set n = n + 1 %}{{ n }}", "8"},
    {"{% if not n is defined %}{% set n = 3 %}{% endif %}{{ n }}", "7"},
    {"{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
     "B"},
    {"{% with n = n + 1 %}{{ n }}{% endwith %}{{ n }}", "87"},
    {"{% for i in l %}{% for i in ls %}{{ i }}{% endfor %}{{ i }}{% endfor %}",
     "bAca3bAca1bAca2"},
    {"{% set l = [9] + l %}{% for i in l %}{{ i }}{% endfor %}", "9312"},
    {"{% macro m(n=n) %}{{ n }}{% endmacro %}{{ m() }}|", "|"},
    {"{% macro m() %}{{ varargs|length }}{% endmacro %}{{ m(1,2) }}{{ m() }}", "20"},
    {"{% macro m() %}{{ kwargs.a }}{% endmacro %}{{ m(a=2) }}{{ m() }}", "2"},
    {"{% macro m(kwargs) %}{{ kwargs }}{% endmacro %}{{ m(2) }}", "2"},
};

/* What Jinja2 refuses as well, with our status and part of our sentence. */
typedef struct template_error {
    const char *source;
    reason_status status;
    const char *says;
} template_error;

static const template_case RECURSION[] = {
    {"{% for x in nest recursive %}[{% if x is iterable %}{{ loop(x) }}{% else %}{{ x }"
     "}{% endif %}]{% endfor %}",
     "[[1][2]][[3][[4][5]]]"},
    {"{% for x in nest recursive %}{{ loop.depth }}{{ loop.depth0 }}{{ loop.index }}/{{"
     " loop.length }} {{ loop(x) if x is iterable }}{% endfor %}",
     "101/2 211/2 212/2 102/2 211/2 212/2 321/2 322/2 "},
    {"{% for x in [] recursive %}a{% else %}none{% endfor %}|{% for x in l recursive %}"
     "{{ x }}{% else %}none{% endfor %}",
     "none|312"},
    {"{% for x in nest recursive %}{% if x is iterable %}{{ loop(x) | upper }}{% else %"
     "}{{ x }}{% endif %}{% else %}e{% endfor %}",
     "12345"},
    {"{% for k, v in {'a': {'b': {'c': 1}}, 'd': 2}.items() recursive %}{{ k }}:{% if v"
     " is mapping %}({{ loop(v.items()) }}){% else %}{{ v }};{% endif %}{% endfor %}",
     "a:(b:(c:1;))d:2;"},
    {"{% for x in [1, [2, 3], 4] if x != 3 recursive %}{% if x is iterable %}<{{ loop(x"
     ") }}>{% else %}{{ x }}{% endif %}{% endfor %}",
     "1<2>4"},
    {"{% for x in l recursive %}{% if loop.first and loop.depth < 4 %}({{ loop(iterable"
     "=l) }}){% endif %}{{ loop.depth }}{% endfor %}",
     "(((444)333)222)111"},
    {"{% for x in l recursive %}{% set outer = loop %}{% for y in ls %}{% if outer.dept"
     "h == 1 and loop.first %}{{ outer([9]) }}{% endif %}{{ loop.depth }}{% endfor %};{"
     "% endfor %}",
     "1111;1111;1111;1111;1111;1111;"},
    {"{% set ns = namespace(f=none) %}{% for x in l recursive %}{% set ns.f = loop %}{{"
     " x }}{% endfor %}|{{ ns.f('ab') }}|{{ ns.f.depth }}",
     "312|ab|2"},
    {"{% set y = 5 %}{% for x in [1, [2]] recursive %}{% if x is iterable %}{% set y = "
     "6 %}{{ loop(x) }}{% endif %}{{ y }}{% endfor %}{{ y }}",
     "5565"},
    {"{% macro m(v) %}<{% for x in v recursive %}{% if x is iterable %}{{ loop(x) }}{% "
     "else %}{{ x }}{{ v | length }}{% endif %}{% endfor %}>{% endmacro %}{{ m(nest) }}"
     "{{ m([]) }}",
     "<1222324252><>"},
    {"{% for x in l recursive %}{% macro deeper(y) %}{{ loop([y]) if loop.depth < 3 }}{"
     "% endmacro %}{{ x }}({{ deeper(x) }}){% endfor %}",
     "3(3(3()))1(1(1()))2(2(2()))"},
    {"{% for x in nest recursive %}{% if x is iterable %}{{ loop(x) }}{% elif x == 2 %}"
     "{% continue %}{% elif x == 4 %}{% break %}{% else %}{{ x }}{% endif %},{% endfor "
     "%}",
     "1,,3,,,"},
    {"{% for a in l %}{% for x in nest recursive %}{{ loop(x) if x is iterable else x }"
     "}{% endfor %}{% if a == 1 %}{% break %}{% endif %};{% endfor %}",
     "12345;12345"},
    {"{% set t %}{% for x in nest recursive %}{{ loop(x) if x is iterable else x }} {% "
     "endfor %}{% endset %}{{ t | trim }}",
     "1 2  3 4 5"},
    {"{% for x in l recursive %}{{ x }}{% endfor %}{% for recursive in l %}{{ recursive"
     " }}{% endfor %}",
     "312312"},
};

static const template_case SUBTLETIES[] = {
    {"{{ ('ab' | e) | list }} {{ [('ab' | e) | first, ('ab' | e) | last, ('ab' | e)[0]]"
     " }}",
     "['a', 'b'] ['a', Markup('b'), Markup('a')]"},
    {"{% for c in ('<' | e) %}{{ [c] }}{% endfor %}", "['&']['l']['t'][';']"},
    {"{{ ('&' | e | last) | e }} {{ ('<' | safe | first) | e }} {{ ('<' | safe | last) "
     "| e }}",
     "; &lt; <"},
    {"{{ ('ab' | e) | reverse }} {{ [('ab' | e) | reverse] }} {{ ('ab' | e) | batch(1) "
     "| list }}",
     "ba [Markup('ba')] [['a'], ['b']]"},
    {"{{ -0.4 | round(0, 'ceil') }} {{ (-0.4) | round(0, 'ceil') }} {{ (-0.4) | round }"
     "} {{ (-0.0) | round(0, 'floor') }} {{ (-0.04) | round(1, 'ceil') }}",
     "0.0 0.0 -0.0 0.0 0.0"},
};

static const template_error ERRORS[] = {
    {"{{ 'abc", REASON_ERR_FORMAT, "a string has no end"},
    {"{{ 1", REASON_ERR_FORMAT, "expected }}, found \"end of template\""},
    {"{% if %}", REASON_ERR_FORMAT, "expected an expression, found \"%}\""},
    {"{{", REASON_ERR_FORMAT, "expected an expression, found \"end of template\""},
    {"{%", REASON_ERR_FORMAT, "expected the name of a tag"},
    {"{{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 00 }} {{ 1.5e3 }} {{ 1e5 }} {{ "
     ".5 }}",
     REASON_ERR_FORMAT, "expected an expression, found \".\""},
    {"{{ '\\x4' }}", REASON_ERR_FORMAT, "a string escape is cut short"},
    {"{{ 007 }}", REASON_ERR_FORMAT, "expected }}, found \"number\""},
    {"{{ 1__0 }}", REASON_ERR_FORMAT, "expected }}, found \"__0\""},
    {"{{ 1..real }}", REASON_ERR_FORMAT, "expected a name or a number, found \".\""},
    {"{{ 0xZZ }}", REASON_ERR_FORMAT, "expected }}, found \"xZZ\""},
    {"{{ 1 ~ 2 + 3 }}", REASON_ERR_TEMPLATE,
     "unsupported operand types for +: 'str' and 'int'"},
    {"{{ 1 in 'abc' }}", REASON_ERR_TEMPLATE,
     "'in <string>' requires string as left operand, not int"},
    {"{{ 'a' in 5 }}", REASON_ERR_TEMPLATE, "argument of type 'int' is not iterable"},
    {"{{ 1 < 'a' }}", REASON_ERR_TEMPLATE,
     "'<' not supported between instances of 'int' and 'str'"},
    {"{{ [1] < ['a'] }}", REASON_ERR_TEMPLATE,
     "'<' not supported between instances of 'int' and 'str'"},
    {"{{ none < 1 }}", REASON_ERR_TEMPLATE,
     "'<' not supported between instances of 'NoneType' and 'int'"},
    {"{{ undefined_x + 1 }}", REASON_ERR_TEMPLATE, "\"undefined_x\" is undefined"},
    {"{{ 1 + undefined_x }}", REASON_ERR_TEMPLATE, "\"undefined_x\" is undefined"},
    {"{{ undefined_x.y }}", REASON_ERR_TEMPLATE, "\"undefined_x\" is undefined"},
    {"{{ undefined_x[0] }}", REASON_ERR_TEMPLATE, "\"undefined_x\" is undefined"},
    {"{{ undefined_x() }}", REASON_ERR_TEMPLATE, "\"undefined_x\" is undefined"},
    {"{{ -undefined_x }}", REASON_ERR_TEMPLATE, "\"undefined_x\" is undefined"},
    {"{{ undefined_x < 1 }}", REASON_ERR_TEMPLATE, "\"undefined_x\" is undefined"},
    {"{{ 1/0 }}", REASON_ERR_TEMPLATE, "division by zero"},
    {"{{ 1//0 }}", REASON_ERR_TEMPLATE, "division by zero"},
    {"{{ 1%0 }}", REASON_ERR_TEMPLATE, "division by zero"},
    {"{{ 1.0/0 }}", REASON_ERR_TEMPLATE, "division by zero"},
    {"{{ 1 + 'a' }}", REASON_ERR_TEMPLATE,
     "unsupported operand types for +: 'int' and 'str'"},
    {"{{ 'a' + 1 }}", REASON_ERR_TEMPLATE,
     "unsupported operand types for +: 'str' and 'int'"},
    {"{{ 'a' - 'b' }}", REASON_ERR_TEMPLATE,
     "unsupported operand types for -: 'str' and 'str'"},
    {"{{ 0 ** -1 }}", REASON_ERR_TEMPLATE, "division by zero"},
    {"{{ {[1]:2} }}", REASON_ERR_TEMPLATE, "unhashable type: 'list'"},
    {"{{ (1,2) + [3] }}", REASON_ERR_TEMPLATE,
     "unsupported operand types for +: 'tuple' and 'list'"},
    {"{{ [1]*1.5 }}", REASON_ERR_TEMPLATE,
     "unsupported operand types for *: 'list' and 'float'"},
    {"{{ l[::0] }}", REASON_ERR_TEMPLATE, "slice step cannot be zero"},
    {"{{ l['a':] }}", REASON_ERR_TEMPLATE,
     "slice indices must be integers or None, not 'str'"},
    {"{{ d[1:] }}", REASON_ERR_TEMPLATE, "'dict' object has no slices"},
    {"{{ none.x.y }}", REASON_ERR_TEMPLATE, "'None' has no attribute \"x\""},
    {"{{ d.nothere.x }}", REASON_ERR_TEMPLATE,
     "'dict object' has no attribute \"nothere\""},
    {"{{ s.__class__.__mro__ }}", REASON_ERR_UNSUPPORTED,
     "access to attribute \"__class__\" of 'str' object is unsafe"},
    {"{{ l.append(1) }}", REASON_ERR_UNSUPPORTED,
     "access to attribute \"append\" of 'list' object is unsafe"},
    {"{{ d.update({}) }}", REASON_ERR_UNSUPPORTED,
     "access to attribute \"update\" of 'dict' object is unsafe"},
    {"{{ d.pop('a') }}", REASON_ERR_UNSUPPORTED,
     "access to attribute \"pop\" of 'dict' object is unsafe"},
    {"{{ l.index(99) }}", REASON_ERR_TEMPLATE, "the value is not in the list"},
    {"{{ 'x' in namespace(x=1) }}", REASON_ERR_TEMPLATE,
     "argument of type 'Namespace' is not iterable"},
    {"{{ '%d' % 'a' }}", REASON_ERR_TEMPLATE, "%d format: a number is required, not str"},
    {"{{ '%s %s' % 1 }}", REASON_ERR_TEMPLATE, "not enough arguments for format string"},
    {"{{ '%s' % (1,2) }}", REASON_ERR_TEMPLATE,
     "not all arguments converted during string formatting"},
    {"{{ 'abc' % 5 }}", REASON_ERR_TEMPLATE,
     "not all arguments converted during string formatting"},
    {"{{ '%z' % 1 }}", REASON_ERR_TEMPLATE, "unsupported format character \"z\""},
    {"{{ '%' % 1 }}", REASON_ERR_TEMPLATE, "incomplete format"},
    {"{{ '%(x)s' % 5 }}", REASON_ERR_TEMPLATE, "format requires a mapping"},
    {"{{ '{}'.format() }}", REASON_ERR_TEMPLATE,
     "Replacement index 0 out of range for positional args"},
    {"{{ '{x}'.format() }}", REASON_ERR_TEMPLATE, "KeyError: \"x\""},
    {"{{ '{0} {}'.format(1,2) }}", REASON_ERR_TEMPLATE,
     "cannot switch between numbered and automatic fields"},
    {"{{ '{} {0}'.format(1,2) }}", REASON_ERR_TEMPLATE,
     "cannot switch between numbered and automatic fields"},
    {"{{ '{'.format() }}", REASON_ERR_TEMPLATE, "expected '}' before end of string"},
    {"{{ '}'.format() }}", REASON_ERR_TEMPLATE,
     "Single '}' encountered in format string"},
    {"{{ '{:d}'.format('a') }}", REASON_ERR_TEMPLATE,
     "the format code \"d\" does not suit an object of type 'str'"},
    {"{{ '{:s}'.format(5) }}", REASON_ERR_TEMPLATE,
     "the format code \"s\" does not suit an object of type 'int'"},
    {"{{ '{:5}'.format([1]) }}", REASON_ERR_TEMPLATE,
     "unsupported format string passed to list.__format__"},
    {"{{ '{0.__class__.x}'.format('a') }}", REASON_ERR_UNSUPPORTED,
     "access to attribute \"__class__\" of 'str' object is unsafe"},
    {"{{ '{a[b]}'.format(a={'b':1}) }} {{ '{a.b.c}'.format(a={'b':{'c':4}}) }} {{ "
     "'{[0]}'.format([7]) }}",
     REASON_ERR_TEMPLATE, "KeyError: \"\""},
    {"{{ '{:.2f}'.format(2) }} {{ '{:d}'.format(2.0) }}", REASON_ERR_TEMPLATE,
     "the format code \"d\" does not suit an object of type 'float'"},
    {"{{ '{!x}'.format(1) }}", REASON_ERR_TEMPLATE,
     "Unknown conversion specifier in format string"},
    {"{{ '{:>{}}'.format('a') }}", REASON_ERR_TEMPLATE,
     "Replacement index 1 out of range for positional args"},
    {"{{ [1,2]|map('nofilter')|list }}", REASON_ERR_TEMPLATE,
     "No filter named \"nofilter\"."},
    {"{{ [1,2]|select('notest')|list }}", REASON_ERR_TEMPLATE,
     "No test named \"notest\"."},
    {"{{ [1]|map|list }}", REASON_ERR_TEMPLATE, "map requires a filter argument"},
    {"{{ [1]|map(attribute='x', foo=1)|list }}", REASON_ERR_TEMPLATE,
     "Unexpected keyword argument \"foo\""},
    {"{{ []|max + 1 }}", REASON_ERR_TEMPLATE, "No aggregated item, sequence was empty."},
    {"{{ [none,none]|sort }} {{ [1, 'a']|sort }}", REASON_ERR_TEMPLATE,
     "'<' not supported between instances of 'str' and 'int'"},
    {"{{ [3,none]|sort }}", REASON_ERR_TEMPLATE,
     "'<' not supported between instances of 'NoneType' and 'int'"},
    {"{{ d|dictsort(by='x') }}", REASON_ERR_TEMPLATE,
     "dictsort() sorts by either \"key\" or \"value\""},
    {"{{ 1|round(method='x') }}", REASON_ERR_TEMPLATE,
     "method must be common, ceil or floor"},
    {"{{ ('inf'|float)|int }}", REASON_ERR_TEMPLATE,
     "cannot convert float infinity to integer"},
    {"{{ 'x'|truncate(1) }}", REASON_ERR_TEMPLATE,
     "truncate() to 1, expected at least 3"},
    {"{{ {'a b':1}|xmlattr }}", REASON_ERR_TEMPLATE,
     "Invalid character in attribute name: \"a b\""},
    {"{{ '%s %s'|format('a', 1) }} {{ '%(a)s'|format(a=2) }} {{ '%s'|format }}",
     REASON_ERR_TEMPLATE, "not enough arguments for format string"},
    {"{{ '%s'|format(1, a=2) }}", REASON_ERR_TEMPLATE,
     "format() takes values by position or by name, not both"},
    {"{{ undefined_x|tojson }}", REASON_ERR_TEMPLATE,
     "Object of type Undefined is not JSON serializable"},
    {"{{ range(3)|tojson }}", REASON_ERR_TEMPLATE,
     "Object of type range is not JSON serializable"},
    {"{{ {(1,2):3}|tojson }}", REASON_ERR_TEMPLATE,
     "keys must be str, int, float, bool or None, not tuple"},
    {"{{ {1:2,'a':3}|tojson(sort_keys=true) }}", REASON_ERR_TEMPLATE,
     "'<' not supported between instances of 'str' and 'int'"},
    {"{{ d.items()|tojson }}", REASON_ERR_TEMPLATE,
     "Object of type dict view is not JSON serializable"},
    {"{{ [1]|map('string')|tojson }}", REASON_ERR_TEMPLATE,
     "Object of type generator is not JSON serializable"},
    {"{{ namespace(a=1)|tojson }}", REASON_ERR_TEMPLATE,
     "Object of type Namespace is not JSON serializable"},
    {"{{ [1]|map('string')|last }}", REASON_ERR_TEMPLATE,
     "'generator' object is not reversible"},
    {"{{ none|first }}", REASON_ERR_TEMPLATE, "'NoneType' object is not iterable"},
    {"{{ 5|reverse }}", REASON_ERR_TEMPLATE, "'int' object is not iterable"},
    {"{{ [1,[2]]|sum(start=[]) }}", REASON_ERR_TEMPLATE,
     "unsupported operand types for +: 'list' and 'int'"},
    {"{{ [[1],[2]]|sum(start=[]) }} {{ []|sum }} {{ [1.5,2]|sum }} {{ "
     "['a']|sum(start='') }}",
     REASON_ERR_TEMPLATE, "sum() can't sum strings"},
    {"{{ ['a']|sum }}", REASON_ERR_TEMPLATE,
     "unsupported operand types for +: 'int' and 'str'"},
    {"{{ 5|items|list }}", REASON_ERR_TEMPLATE,
     "Can only get item pairs from a mapping."},
    {"{{ 5|indent }}", REASON_ERR_TEMPLATE, "what is indented must be str, not 'int'"},
    {"{{ x|default }}|{{ none|default('a') }} {{ none|default('a', true) }} {{ "
     "''|d('b', boolean=true) }} {{ 0|default(1) }} {{ undefined_x.y|default('z') }}",
     REASON_ERR_TEMPLATE, "\"undefined_x\" is undefined"},
    {"{{ (undefined_x.y)|default('z') }}", REASON_ERR_TEMPLATE,
     "\"undefined_x\" is undefined"},
    {"{{ d.zz|default('ok') }} {{ d.zz.y|default('ok') }}", REASON_ERR_TEMPLATE,
     "'dict object' has no attribute \"zz\""},
    {"{{ 1|nofilter }}", REASON_ERR_UNSUPPORTED, "no filter named \"nofilter\" is there"},
    {"{% if t %}{{ 1|nofilter }}{% endif %}x", REASON_ERR_UNSUPPORTED,
     "no filter named \"nofilter\" is there"},
    {"{% if fa %}{% for x in l %}{{ x|nofilter }}{% endfor %}{% endif %}x",
     REASON_ERR_UNSUPPORTED, "no filter named \"nofilter\" is there"},
    {"{{ 'a'|upper('x') }}", REASON_ERR_TEMPLATE,
     "upper() takes at most 0 arguments (1 given)"},
    {"{{ 'a'|replace }}", REASON_ERR_TEMPLATE, "replace() is missing the argument 'old'"},
    {"{{ 'a'|center(5, width=5) }}", REASON_ERR_TEMPLATE,
     "center() got multiple values for argument \"width\""},
    {"{{ 'a'|center(w=5) }}", REASON_ERR_TEMPLATE,
     "center() got an unexpected keyword argument \"w\""},
    {"{{ 5|join }}", REASON_ERR_TEMPLATE, "'int' object is not iterable"},
    {"{{ 1 is nope }}", REASON_ERR_UNSUPPORTED, "no test named \"nope\" is there"},
    {"{{ 1 is odd is even }}", REASON_ERR_FORMAT, "tests with is cannot be chained"},
    {"{{ 5 is divisibleby }}", REASON_ERR_TEMPLATE,
     "divisibleby() is missing the argument 'num'"},
    {"{% for a, b in [(1,2,3)] %}{% endfor %}", REASON_ERR_TEMPLATE,
     "cannot unpack 3 values into 2 names"},
    {"{% for a, b in [1] %}{% endfor %}", REASON_ERR_TEMPLATE,
     "'int' object is not iterable"},
    {"{% for x in none %}{% endfor %}", REASON_ERR_TEMPLATE,
     "'NoneType' object is not iterable"},
    {"{% for x in 5 %}{% endfor %}", REASON_ERR_TEMPLATE, "'int' object is not iterable"},
    {"{% for x in l %}{{ loop(l) }}{% endfor %}", REASON_ERR_TEMPLATE,
     "only a loop marked as recursive can be called"},
    {"{% for x in l recursive %}{{ loop() }}{% endfor %}", REASON_ERR_TEMPLATE,
     "loop() takes one argument"},
    {"{% for x in l recursive %}{{ loop(l, l) }}{% endfor %}", REASON_ERR_TEMPLATE,
     "loop() takes one argument"},
    {"{% for x in l recursive %}{{ loop(a=l) }}{% endfor %}", REASON_ERR_TEMPLATE,
     "loop() takes one argument"},
    {"{% for x in l recursive %}{{ loop(7) }}{% endfor %}", REASON_ERR_TEMPLATE,
     "'int' object is not iterable"},
    {"{% for x in l %}{% for y in e recursive %}{% else %}{% break %}{% endfor %}"
     "{% endfor %}",
     REASON_ERR_FORMAT, "break outside of a loop"},
    {"{% for x in l recursive if x %}{% endfor %}", REASON_ERR_FORMAT,
     "expected %}, found \"if\""},
    {"{% for c in lipsum %}{% endfor %}", REASON_ERR_TEMPLATE,
     "'function' object is not iterable"},
    {"{% for x in l %}{% set loop = 3 %}{% endfor %}", REASON_ERR_FORMAT,
     "the variable loop cannot be assigned in a for loop"},
    {"{% for loop in l %}{% endfor %}", REASON_ERR_FORMAT,
     "the variable loop cannot be assigned in a for loop"},
    {"{% set ns = {} %}{% set ns.x = 1 %}", REASON_ERR_TEMPLATE,
     "cannot assign attribute on non-namespace object"},
    {"{% set undefined_x.y = 1 %}", REASON_ERR_TEMPLATE,
     "cannot assign attribute on non-namespace object"},
    {"{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1,2) }}", REASON_ERR_TEMPLATE,
     "macro \"m\" takes not more than 1 argument(s)"},
    {"{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}", REASON_ERR_TEMPLATE,
     "macro \"m\" takes no keyword argument \"b\""},
    {"{% macro m(a, b) %}{{ a }}{{ b.x }}{% endmacro %}{{ m(1) }}", REASON_ERR_TEMPLATE,
     "parameter \"b\" was not provided"},
    {"{{ m() }}{% macro m() %}x{% endmacro %}", REASON_ERR_TEMPLATE,
     "\"m\" is undefined"},
    {"{% macro m(a, a) %}{% endmacro %}", REASON_ERR_FORMAT,
     "a parameter is named twice"},
    {"{% macro m(a=1, b) %}{% endmacro %}", REASON_ERR_FORMAT,
     "a parameter without default follows one with"},
    {"{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", REASON_ERR_TEMPLATE,
     "No caller defined"},
    {"{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", REASON_ERR_TEMPLATE,
     "macro \"m\" takes no keyword argument \"caller\""},
    {"{% macro a() %}<{{ caller() }}>{% endmacro %}{% macro b() %}{% call a() %}({{ "
     "caller() }}){% endcall %}{% endmacro %}{% call b() %}x{% endcall %}",
     REASON_ERR_TEMPLATE, "No caller defined"},
    {"{% macro m(caller) %}{{ caller }}{% endmacro %}{{ m() }}", REASON_ERR_FORMAT,
     "the parameter caller must have a default"},
    {"{% call 5 %}{% endcall %}", REASON_ERR_FORMAT, "expected a call"},
    {"{% break %}", REASON_ERR_FORMAT, "break outside of a loop"},
    {"{% macro m() %}{% break %}{% endmacro %}", REASON_ERR_FORMAT,
     "break outside of a loop"},
    {"{% for i in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
     REASON_ERR_FORMAT, "break outside of a loop"},
    {"{% for i in l %}{% else %}{% break %}{% endfor %}", REASON_ERR_FORMAT,
     "break outside of a loop"},
    {"{% include 'x' %}", REASON_ERR_UNSUPPORTED, "{% include %} is not there"},
    {"{% import 'x' as y %}", REASON_ERR_UNSUPPORTED, "{% import %} is not there"},
    {"{% extends 'x' %}", REASON_ERR_UNSUPPORTED, "{% extends %} is not there"},
    {"{% foo %}", REASON_ERR_FORMAT, "unknown tag \"foo\""},
    {"{% endif %}", REASON_ERR_FORMAT, "unknown tag \"endif\""},
    {"{% if t %}", REASON_ERR_FORMAT, "the template ends before {% endif %}"},
    {"{% for x in l %}", REASON_ERR_FORMAT, "the template ends before {% endfor %}"},
    {"{% else %}", REASON_ERR_FORMAT, "unknown tag \"else\""},
    {"{% if t %}{% endfor %}", REASON_ERR_FORMAT, "unknown tag \"endfor\""},
    {"{% set %}", REASON_ERR_FORMAT, "expected a name to assign to, found \"%}\""},
    {"{% set x %}", REASON_ERR_FORMAT, "the template ends before {% endset %}"},
    {"{% set 1 = 2 %}", REASON_ERR_FORMAT,
     "expected a name to assign to, found \"number\""},
    {"{% set true = 2 %}", REASON_ERR_FORMAT, "cannot assign to a constant"},
    {"{% set [a] = 2 %}", REASON_ERR_FORMAT, "expected a name to assign to, found \"[\""},
    {"{% set a.b.c = 2 %}", REASON_ERR_FORMAT, "expected %}, found \".\""},
    {"{{ dict(5) }}", REASON_ERR_TEMPLATE, "'int' object is not iterable"},
    {"{{ range() }}", REASON_ERR_TEMPLATE, "range() is missing the argument 'start'"},
    {"{{ range(1,2,0) }}", REASON_ERR_TEMPLATE, "range() arg 3 must not be zero"},
    {"{{ range('a') }}", REASON_ERR_TEMPLATE,
     "an argument of range() must be a whole number, not 'str'"},
    {"{{ raise_exception('boo') }}", REASON_ERR_TEMPLATE, "boo"},
    {"{{ foo(1, *[2,3], **{'a':4}) }}", REASON_ERR_TEMPLATE, "\"foo\" is undefined"},
    {"{{ m(a=1, a=2) }}", REASON_ERR_FORMAT, "the argument \"a\" is given twice"},
    {"{{ m(a=1, 2) }}", REASON_ERR_FORMAT,
     "the arguments of a call are in a wrong order"},
    {"{{ dict(**l) }}", REASON_ERR_TEMPLATE,
     "argument after ** must be a mapping, not list"},
    {"{% set a = b = 1 %}", REASON_ERR_FORMAT, "expected %}, found \"=\""},
    {"{{ a := 1 }}", REASON_ERR_FORMAT, "expected }}, found \":\""},
    {"{{ lambda x: x }}", REASON_ERR_FORMAT, "expected }}, found \"x\""},
    {"{{ [1,2,3]|map('multiply', 2)|list }}", REASON_ERR_TEMPLATE,
     "No filter named \"multiply\"."},
    {"{% set _ = d.update({'x': 1}) %}", REASON_ERR_UNSUPPORTED,
     "access to attribute \"update\" of 'dict' object is unsafe"},
    {"{{ [[1,2],[3]]|map('sum')|list }} {{ [[1,2],[3]]|map('length')|list }} {{ ['a "
     "b']|map('split')|list }}",
     REASON_ERR_TEMPLATE, "No filter named \"split\"."},
    {"{% call(x, y) undefined_m() %}{% endcall %}", REASON_ERR_TEMPLATE,
     "\"undefined_m\" is undefined"},
    {"{% macro m() %}{{ caller(1) }}{% endmacro %}{% call m() %}a{% endcall %}",
     REASON_ERR_TEMPLATE, "macro \"caller\" takes not more than 0 argument(s)"},
    {"{% macro m(x) %}{{ x }}{% endmacro %}{% call m(x=3) %}a{% endcall %}",
     REASON_ERR_TEMPLATE, "macro \"m\" takes no keyword argument \"caller\""},
};

#endif
