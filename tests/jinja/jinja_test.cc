// The Jinja interpreter: white space, scope, loops, filters, refusals with their position, bounds, provenance.
// (The long comparison with Jinja2 itself is in tests/peers/test_jinja.py.)
#include <gtest/gtest.h>

#include "iteralign/error.h"
#include "jinja/interpreter.h"

namespace iteralign::jinja {
namespace {

const Json kMessages = Json::parse(R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo", "n": 2}])");

Text render_runs(const std::string& source) {
  std::vector<Value> messages;
  for (const Json& message : kMessages) messages.push_back(from_json(message, static_cast<Origin>(messages.size()) + 1));
  return Template(source, "test").render({{"messages", Value::list(messages)}, {"x", Value("X")}});
}
std::string render(const std::string& source) { return render_runs(source).bytes(); }

std::string refusal(const std::string& source) {
  try {
    return "rendered: " + render(source);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    return error.what();
  }
}

// The runs of a text: [template], <message 1>, ...
std::string marked(const std::string& source) {
  const Text text = render_runs(source);
  std::string result;
  std::size_t begin = 0;
  for (const auto& run : text.runs()) {
    const std::string part = text.bytes().substr(begin, run.end - begin);
    result += run.origin == kTemplate ? "[" + part + "]" : "<" + part + std::to_string(run.origin) + ">";
    begin = run.end;
  }
  return result;
}

TEST(Jinja, BlocksTakeTheirLineAway) {
  EXPECT_EQ(render("a\n  {% if true %}\n  b\n  {% endif %}\nc\n"), "a\n  b\nc");
  EXPECT_EQ(render("a {% if true %}\nb{% endif %} c"), "a b c");
  EXPECT_EQ(render("  {{ x }}\n  {{ x }}\n"), "  X\n  X");
  EXPECT_EQ(render("a  {{- x -}} \n b"), "aXb");
  EXPECT_EQ(render("  {%+ if true +%}\nb{% endif %}"), "  \nb");
  EXPECT_EQ(render("a\n{# comment #}\nb {#- c -#} d"), "a\nbd");
  EXPECT_EQ(render("{% raw %}{{ x }}{% endraw %}"), "{{ x }}");
}

TEST(Jinja, ASetInsideALoopIsLocal) {
  EXPECT_EQ(render("{% set a = 1 %}{% for i in [1, 2] %}{{ a }}{% set a = 9 %}{% endfor %}{{ a }}"), "111");
  EXPECT_EQ(render("{% set ns = namespace(a=1) %}{% for i in [1, 2] %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}"), "4");
  EXPECT_EQ(render("{% if true %}{% set a = 1 %}{% endif %}{{ a }}"), "1");
}

TEST(Jinja, LoopsKnowTheirPlace) {
  EXPECT_EQ(render("{% for i in 'abc' %}{{ loop.index }}{{ i }}{{ ',' if not loop.last }}{% endfor %}"), "1a,2b,3c");
  EXPECT_EQ(render("{% for i in [1, 2, 3] if i != 2 %}{{ loop.length }}{{ i }}{% else %}none{% endfor %}"), "2123");
  EXPECT_EQ(render("{% for i in [] %}x{% else %}none{% endfor %}"), "none");
  EXPECT_EQ(render("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% elif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}"),
            "023");
  EXPECT_EQ(render("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}"), "a1");
}

TEST(Jinja, MacrosAndBlocks) {
  EXPECT_EQ(render("{% macro m(a, b='-') %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(b=2, a=3) }}"), "1-32");
  EXPECT_EQ(render("{% macro m() %}<{{ caller('y') }}>{% endmacro %}{% call(v) m() %}{{ v }}{{ x }}{% endcall %}"), "<yX>");
  EXPECT_EQ(render("{% set s | trim %} {{ x }} {% endset %}{% filter lower %}{{ s }}{% endfilter %}"), "x");
}

TEST(Jinja, StringsAreFormattedAsInPython) {
  EXPECT_EQ(render("{{ '<tool{}>'.format(':a') }}{{ '{} {}'.format(1, none) }}{{ '{1}{0}{1}{{}}'.format('a', 'b') }}"),
            "<tool:a>1 Nonebab{}");
  EXPECT_EQ(render("{{ '{who}, {0}'.format('you', who='me') }}"), "me, you");
  for (const char* source :
       {"{{ '{}'.format() }}", "{{ '{0.real}'.format(1) }}", "{{ '{:>3}'.format(1) }}", "{{ '{'.format(1) }}", "{{ '}'.format(1) }}"})
    EXPECT_THROW(render(source), Error) << source;
}

TEST(Jinja, ValuesPrintAsInPython) {
  EXPECT_EQ(render("{{ [none, true, 1.0, 'it\\'s', {'a': (1,)}] }}"), "[None, True, 1.0, \"it's\", {'a': (1,)}]");
  EXPECT_EQ(render("{{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** -1 }} {{ 7 / 2 }}"), "-4 2 0.5 3.5");
  EXPECT_EQ(render("{{ 'Grüße'[::-1] }} {{ 'Grüße' | length }} {{ 'Grüße'.upper() }}"), "eßürG 5 GRÜSSE");
  EXPECT_EQ(render("{{ {'a': ['é', 1.5, none]} | tojson }}"), "{\"a\": [\"é\", 1.5, null]}");
  EXPECT_EQ(render("{{ nothing }}{{ nothing is defined }}{{ messages[1].n + 1 }}"), "False3");
}

TEST(Jinja, RefusalsNameTemplateLineAndColumn) {
  EXPECT_EQ(refusal("a\n  {{ raise_exception('not so') }}"), "test:2:21: not so");
  EXPECT_EQ(refusal("{% if x %}\n{{ nothing.more }}{% endif %}"), "test:2:11: 'nothing' is undefined");
  EXPECT_EQ(refusal("{{ 'ü' + 1 }}"), "test:1:8: unsupported operand type(s) for +: 'str' and 'int'");
  EXPECT_EQ(refusal("{{ x | frobnicate }}"), "test:1:8: no filter named 'frobnicate'");
  EXPECT_EQ(refusal("\n{% include 'other' %}"), "test:2:4: the tag 'include' is unknown here or not supported");
  EXPECT_EQ(refusal("{% for i in [1] %}"), "test:1:19: the template ends where 'endfor' is missing");
  EXPECT_EQ(refusal("{{ (1 }}"), "test:1:7: unexpected '}', expected ')'");
  EXPECT_EQ(refusal("{{ [1].append(2) }}"), "test:1:14: 'list object' has no attribute 'append'");
  EXPECT_EQ(refusal("{% for i in 5 %}{% endfor %}"), "test:1:1: 'int' object is not iterable");
  EXPECT_EQ(refusal("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}"), "test:1:35: macro 'm' takes not more than 1 argument(s)");
}

// None of these may crash, hang or fill the memory.
TEST(Jinja, HostileTemplatesAreRefused) {
  const auto times = [](int n, const std::string& part) {
    std::string repeated;
    for (int i = 0; i < n; ++i) repeated += part;
    return repeated;
  };
  const std::vector<std::string> sources = {
      "{{ " + times(100000, "(") + " }}",
      "{{ " + times(100000, "[") + " }}",
      "{{ " + times(100000, "not ") + " }}",
      "{{ " + times(100000, "-") + "1 }}",
      "{{ x" + times(100000, ".a") + " }}",
      "{{ x" + times(100000, "|trim") + " }}",
      "{{ 1" + times(100000, "+1") + " }}",
      times(100000, "{% if x %}"),
      times(100000, "{% for i in x %}"),
      "{% set " + times(100000, "(") + " = 1 %}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% set ns = namespace(s='ab') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
      "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
      "{% set ns = namespace(l=[1]) %}{% for i in range(1000) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{% set s = 'x' * 9000000 %}{% for i in range(99999) %}{% if 'yx' in s %}{% endif %}{% endfor %}",
      "{{ 'x' * 99999999999 }}",
      "{{ [0] * 99999999999 }}",
      "{{ '%99999999d' % 1 }}",
      "{{ 2 ** 99999999999 }}",
      "{{ 9223372036854775807 + 1 }}",
      "{{ 99999999999999999999 }}",
      "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
      "{{ ['a' * 10000000] * 1000 == ['a' * 10000000] * 1000 }}{{ (['a' * 10000000] * 1000) | map('upper') | list }}",
  };
  for (const std::string& source : sources) EXPECT_THROW(render(source), Error) << source.substr(0, 80);
}

TEST(Jinja, EveryByteKnowsItsMessage) {
  EXPECT_EQ(marked("<s>{{ messages[0].role }}: {{ messages[0].content }}{{ messages[1]['content'] }}"), "[<s>user: ]<Hi1><Yo2>");
  EXPECT_EQ(marked("{{ 'a' + messages[0].content ~ 'b' }}"), "[a]<Hi1>[b]");
  EXPECT_EQ(marked("{{ ('  ' + messages[0].content + ' ') | trim }}{{ messages[0].content[1:] }}{{ messages[0].content[::-1] }}"),
            "<HiiiH1>");
  EXPECT_EQ(marked("{{ messages[0].content.replace('i', 'ey') | upper }}"), "<H1>[EY]");
  EXPECT_EQ(marked("{{ '<%s>' % messages[0].content }}{{ '%s' | format(messages[1].content) }}"), "[<]<Hi1>[>]<Yo2>");
  EXPECT_EQ(marked("{{ '<{}>'.format(messages[0].content) }}"), "[<]<Hi1>[>]");
  EXPECT_EQ(marked("{{ messages | map(attribute='content') | join('|') }}"), "<Hi1>[|]<Yo2>");
  EXPECT_EQ(marked("{% set t %}({{ messages[0].content }}){% endset %}{% macro m(v) %}{{ v }}!{% endmacro %}{{ m(t) }}"), "[(]<Hi1>[)!]");
  EXPECT_EQ(marked("{{ messages[0].content.split('i')[0] | tojson }}"), "[\"]<H1>[\"]");
  EXPECT_EQ(marked("{{ [messages[0].content] }}"), "[[']<Hi1>[']]");
}

}  // namespace
}  // namespace iteralign::jinja
