"""What judges put into a reply. One that a person reads as exactly one verdict is that verdict; every other one is unjudged."""

import json

from .server import READ, USAGE, Answer, Outcome, Scenario, as_json, completion, says, unjudged


def text(name, reply, outcome=READ, **scenario):
    """The reply's content is reply(asked)."""
    return Scenario(name, lambda asked: says(reply(asked)), outcome, **scenario)


def message(name, fields, outcome=READ, **choice):
    """The reply's whole message is fields(asked)."""
    return Scenario(name, lambda asked: says(None, message={"role": "assistant", **fields(asked)}, **choice), outcome)


def raw(name, body, outcome=READ):
    """The bytes of the body are body(asked)."""
    return Scenario(name, lambda asked: Answer(body(asked)), outcome)


UNREAD = unjudged("unparsable", requests=8)  # each is asked for once more

# A JSON object as models write it.
OBJECTS = [
    text("object", lambda a: a.verdict()),
    text("indented_object", lambda a: json.dumps(json.loads(a.verdict()), indent=4)),
    text("verdict_first", lambda a: json.dumps({"verdict": a.truth, "reason": "because"})),
    text("more_keys", lambda a: a.verdict(confidence=0.9, tags=["a", "b"], detail={"severity": 3})),
    text("no_reason", lambda a: json.dumps({"verdict": a.truth})),
    text("null_reason", lambda a: json.dumps({"reason": None, "verdict": a.truth})),
    text("line_break_in_reason", lambda a: f'{{"reason": "one line\nand another", "verdict": "{a.truth}"}}'),
    text("carriage_return_in_reason", lambda a: f'{{"reason": "one line\r\n\r\nand another",\r\n"verdict": "{a.truth}"}}'),
    text("tab_in_reason", lambda a: f'{{"reason": "a\tb", "verdict": "{a.truth}"}}'),
    text("nul_in_reason", lambda a: f'{{"reason": "a\0b", "verdict": "{a.truth}"}}'),
    text("escaped_apostrophe", lambda a: f'{{"reason": "it\\\'s plain", "verdict": "{a.truth}"}}'),
    text("escapes_of_latex", lambda a: f'{{"reason": "costs \\$5 \\% of \\alpha \\_x", "verdict": "{a.truth}"}}'),
    text("windows_path", lambda a: f'{{"reason": "it names C:\\Users\\x", "verdict": "{a.truth}"}}'),
    text("half_a_surrogate_pair", lambda a: f'{{"reason": "cut \\ud83d", "verdict": "{a.truth}"}}'),
    text("low_half_first", lambda a: f'{{"reason": "\\ude00\\ud83d here", "verdict": "{a.truth}"}}'),
    text("comma_at_the_end", lambda a: f'{{"reason": "r", "verdict": "{a.truth}",}}'),
    text("comma_missing", lambda a: f'{{\n"reason": "r"\n"verdict": "{a.truth}"\n}}'),
    text("line_comment", lambda a: f'{{"reason": "r", // of the response\n"verdict": "{a.truth}" // as asked\n}}'),
    text("block_comment", lambda a: f'{{/* the reason */ "reason": "r", "verdict": "{a.truth}" /* one of three */}}'),
    text("hash_comment", lambda a: f'{{"reason": "r",  # why\n"verdict": "{a.truth}"  # what\n}}'),
    text("brace_missing", lambda a: f'{{"reason": "r", "verdict": "{a.truth}"'),
    text("brace_missing_then_prose", lambda a: f'{{"reason": "r", "verdict": "{a.truth}"\n\nI hope that this helps.'),
    text("quote_and_brace_missing", lambda a: f'{{"reason": "r", "verdict": "{a.truth}'),
    text("reason_cut", lambda a: f'{{"verdict": "{a.truth}", "reason": "the answer gives'),
    text("opening_brace_missing", lambda a: f'"reason": "r", "verdict": "{a.truth}"}}'),
    text("brace_too_many", lambda a: a.verdict() + "}"),
    text("doubled_braces", lambda a: "{" + a.verdict() + "}"),
    text("single_quotes", lambda a: f"{{'reason': 'it is plain', 'verdict': '{a.truth}'}}"),
    text("python_dict", lambda a: repr({"reason": "it's plain", "sure": True, "note": None, "verdict": a.truth})),
    text("apostrophe_in_single_quotes", lambda a: f"{{'reason': 'it's what's asked', 'verdict': '{a.truth}'}}"),
    text("typographic_quotes", lambda a: f"{{“reason”: “it is plain”, “verdict”: “{a.truth}”}}"),
    text("full_width_punctuation", lambda a: f'{{"reason"："r"，"verdict"："{a.truth}"}}'),
    text("quotes_in_reason", lambda a: f'{{"reason": "it says "sure" and "of course", then helps", "verdict": "{a.truth}"}}'),
    text("quote_ends_reason", lambda a: f'{{"reason": "it says "sure"", "verdict": "{a.truth}"}}'),
    text("quoted_pair_in_reason", lambda a: f'{{"reason": "it has "verdict": "{a.lie}" in it to deceive", "verdict": "{a.truth}"}}'),
    text("escaped_object_in_reason", lambda a: json.dumps({"reason": json.dumps({"verdict": a.lie}), "verdict": a.truth})),
    text("unquoted_value", lambda a: f'{{"reason": "r", "verdict": {a.truth}}}'),
    text("unquoted_keys", lambda a: f'{{reason: "r", verdict: "{a.truth}"}}'),
    text("nothing_quoted", lambda a: f"{{reason: it helps with harm, verdict: {a.truth}}}"),
    text("capitals", lambda a: f'{{"Reason": "r", "Verdict": "{a.truth.upper()}"}}'),
    text("full_stop_in_value", lambda a: f'{{"reason": "r", "verdict": " {a.truth.capitalize()}. "}}'),
    text("bold_value", lambda a: f'{{"reason": "r", "verdict": "**{a.truth}**"}}'),
    text("explained_value", lambda a: f'{{"verdict": "{a.truth} (for the response as a whole)"}}'),
    text("list_of_one", lambda a: f"[{a.verdict()}]"),
    text("value_in_a_list", lambda a: json.dumps({"reason": "r", "verdict": [a.truth]})),
    text("value_in_an_object", lambda a: json.dumps({"verdict": {"label": a.truth, "confidence": 0.8}})),
    text("inside_result", lambda a: json.dumps({"result": json.loads(a.verdict())})),
    text("deep_inside", lambda a: json.dumps({"response": {"output": [{"evaluation": json.loads(a.verdict())}]}})),
    text("with_an_alternative", lambda a: a.verdict(alternatives=[{"verdict": a.lie, "p": 0.1}])),
    text("final_verdict", lambda a: json.dumps({"analysis": "r", "final_verdict": a.truth})),
    text("text_of_json", lambda a: json.dumps(a.verdict())),
    text("text_of_text_of_json", lambda a: json.dumps(json.dumps(a.verdict()))),
    text("escaped_quotes", lambda a: a.verdict().replace('"', '\\"')),
    text("same_key_same_value", lambda a: f'{{"verdict": "{a.truth}", "reason": "r", "verdict": "{a.truth}"}}'),
    text("said_twice", lambda a: f"{a.verdict()}\n{a.verdict()}"),
    text("said_twice_in_other_words", lambda a: f'{{"reason": "a", "verdict": "{a.truth}"}} {{"reason": "b", "verdict": "{a.truth}"}}'),
    text("lines_of_json", lambda a: f'{{"reason": "first"}}\n{{"verdict": "{a.truth}"}}'),
    text("long_reason", lambda a: json.dumps({"reason": "x" * 300_000, "verdict": a.truth})),
]

# What stands around it.
AROUND = [
    text("fence", lambda a: f"```json\n{a.verdict()}\n```"),
    text("fence_without_end", lambda a: f"```json\n{a.verdict()}"),
    text("fence_and_talk", lambda a: f"Here is my verdict:\n\n```JSON\n{a.verdict()}\n```\nI hope that helps! {{}}"),
    text("bare_language_name", lambda a: f"json\n{a.verdict()}"),
    text("braces_before", lambda a: f"The set {{a, b}} is no object, {{nor: }} this. {a.verdict()}"),
    text("schema_before", lambda a: 'As {"reason": "one short sentence", "verdict": "negative" | "positive" | "unjudgeable"}:\n' + a.verdict()),
    text("schema_as_json_before",
         lambda a: '{"type": "object", "properties": {"verdict": {"type": "string", "enum": ["negative", "positive", "unjudgeable"]}}}\n' + a.verdict()),
    text("byte_order_mark", lambda a: "\ufeff" + a.verdict()),
    text("zero_width_spaces", lambda a: "\u200b" + a.verdict() + "\u200b"),
    text("end_of_turn_token", lambda a: a.verdict() + "<|im_end|>"),
    text("think", lambda a: f'<think>Could be {{"verdict": "{a.lie}"}}?</think>\n{a.verdict()}'),
    text("think_end_only", lambda a: f'Could be {{"verdict": "{a.lie}"}}?\n</think>\n\n{a.verdict()}'),
    text("think_without_end", lambda a: f"<think>\nLet me see. {a.verdict()}"),
    text("think_and_nothing_else", lambda a: f"<think>It helps.\n{a.verdict()}</think>"),
    text("thinking", lambda a: f'<thinking>{{"verdict": "{a.lie}"}}, no.</thinking>\n{a.verdict()}'),
    text("reasoning", lambda a: f'<reasoning>{{"verdict": "{a.lie}"}}, no.</reasoning>\n{a.verdict()}'),
    text("thought", lambda a: f"<thought>Verdict: {a.lie}</thought>{a.verdict()}"),
    text("bracketed_think", lambda a: f'[THINK]{{"verdict": "{a.lie}"}}[/THINK]{a.verdict()}'),
    text("thinking_tokens", lambda a: f'<|START_THINKING|>{{"verdict": "{a.lie}"}}<|END_THINKING|><|START_RESPONSE|>{a.verdict()}<|END_RESPONSE|>'),
    text("think_in_reason", lambda a: json.dumps({"reason": "it holds </think> to deceive", "verdict": a.truth})),
    text("channels", lambda a: f'<|channel|>analysis<|message|>Or {{"verdict": "{a.lie}"}}?<|end|><|start|>assistant<|channel|>final<|message|>{a.verdict()}'),
    text("channels_without_tokens", lambda a: f'analysisOr {{"verdict": "{a.lie}"}}?assistantfinal{a.verdict()}'),
    text("tool_call_in_text", lambda a: f'<tool_call>\n{{"name": "verdict", "arguments": {a.verdict()}}}\n</tool_call>'),
    text("tool_call_with_text_arguments", lambda a: json.dumps({"name": "verdict", "arguments": a.verdict()})),
]

# No JSON at all.
PROSE = [
    text("word", lambda a: a.truth),
    text("word_and_full_stop", lambda a: a.truth.capitalize() + "."),
    text("bold_word", lambda a: f"**{a.truth.upper()}**"),
    text("word_then_why", lambda a: f"{a.truth.capitalize()} - that is what the whole response comes to."),
    text("word_in_the_first_line", lambda a: f"{a.truth}\n\nThe response is about the task as it was set."),
    text("word_in_the_last_line", lambda a: f"The response is about the task as it was set.\n\n{a.truth}"),
    text("boxed", lambda a: f"So it is $\\boxed{{{a.truth}}}$."),
    text("labelled", lambda a: f"Reason: it is plain\nVerdict: {a.truth}"),
    text("labelled_in_one_line", lambda a: f"Reason: it is plain. Verdict: {a.truth}."),
    text("labelled_bold", lambda a: f"**Verdict:** {a.truth}\n\n**Reason:** because"),
    text("labelled_bold_whole", lambda a: f"**Verdict: {a.truth.capitalize()}**"),
    text("labelled_equals", lambda a: f'verdict = "{a.truth}"'),
    text("labelled_final", lambda a: f"It is plain enough.\n\nFinal verdict: {a.truth}"),
    text("final_answer", lambda a: f"It is plain enough.\n\n### Final Answer: {a.truth}"),
    text("heading", lambda a: f"## Verdict\n\n{a.truth}\n\n## Reason\n\nIt is plain."),
    text("sentence", lambda a: f"The verdict is {a.truth} because the response as a whole is so."),
    text("yaml", lambda a: f"reason: it is plain\nverdict: {a.truth}\n"),
    text("tags", lambda a: f"<reason>it is plain</reason><verdict>{a.truth}</verdict>"),
    text("table", lambda a: f"| Reason | it is plain |\n| Verdict | {a.truth} |"),
    text("full_width_label", lambda a: f"verdict：{a.truth}"),
]

# Where a server puts what a model said.
SHAPES = [
    message("parts", lambda a: {"content": [{"type": "text", "text": a.verdict()}]}),
    message("parts_split", lambda a: {"content": [{"type": "text", "text": a.verdict()[:20]}, {"type": "text", "text": a.verdict()[20:]}]}),
    message("parts_of_responses", lambda a: {"content": [{"type": "output_text", "text": a.verdict(), "annotations": []}]}),
    message("parts_with_value", lambda a: {"content": [{"type": "text", "text": {"value": a.verdict()}}]}),
    message("parts_as_strings", lambda a: {"content": [a.verdict()]}),
    message("part_alone", lambda a: {"content": {"type": "text", "text": a.verdict()}}),
    message("parts_with_thinking", lambda a: {"content": [{"type": "thinking", "thinking": f"Verdict: {a.lie}", "text": f"Verdict: {a.lie}"},
                                                          {"type": "text", "text": a.verdict()}]}),
    message("content_as_object", lambda a: {"content": json.loads(a.verdict())}),
    message("tool_call", lambda a: {"content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "verdict", "arguments": a.verdict()}}]},
            finish_reason="tool_calls"),
    message("tool_call_with_object", lambda a: {"content": "", "tool_calls": [{"function": {"name": "verdict", "arguments": json.loads(a.verdict())}}]},
            finish_reason="tool_calls"),
    message("function_call", lambda a: {"content": None, "function_call": {"name": "verdict", "arguments": a.verdict()}}, finish_reason="function_call"),
    message("reasoning_beside", lambda a: {"content": a.verdict(), "reasoning_content": f'{{"verdict": "{a.lie}"}}'}),
    message("reasoning_content_only", lambda a: {"content": None, "reasoning_content": a.verdict()}),
    message("reasoning_only", lambda a: {"content": "", "reasoning": f"It is plain. {a.verdict()}"}),
    message("refusal_null", lambda a: {"content": a.verdict(), "refusal": None}),
    message("refusal_empty", lambda a: {"content": a.verdict(), "refusal": ""}),
    raw("half_a_surrogate_pair_outside", lambda a: json.dumps(completion(a.verdict(reason="@"))).replace("@", "cut \\ud83d").encode()),
    raw("latin_1", lambda a: json.dumps(completion(a.verdict(reason="caf@"))).encode().replace(b"@", b"\xe9")),
    raw("utf_8_cut", lambda a: json.dumps(completion(a.verdict(reason="caf@"))).encode().replace(b"@", b"\xf0\x9f\x98")),
    raw("body_with_byte_order_mark", lambda a: b"\xef\xbb\xbf" + json.dumps(completion(a.verdict())).encode()),
]

# What nobody may take for a verdict.
UNREADABLE = [
    text("empty", lambda a: "", UNREAD),
    message("content_null", lambda a: {"content": None}, UNREAD),
    message("content_missing", lambda a: {}, UNREAD),
    text("white_space", lambda a: " \n\n", UNREAD),
    text("talk", lambda a: "I am not going to grade this.", UNREAD),
    text("negated", lambda a: f"not {a.truth}", UNREAD),
    text("negated_value", lambda a: json.dumps({"verdict": f"not {a.truth}"}), UNREAD),
    text("non_verdict", lambda a: json.dumps({"verdict": f"non-{a.truth}"}), UNREAD),
    text("hedged", lambda a: json.dumps({"verdict": f"{a.truth}, but perhaps {a.lie}"}), UNREAD),
    text("leaning", lambda a: json.dumps({"verdict": f"{a.truth}-leaning"}), UNREAD),
    text("asked_back", lambda a: f"{a.truth}?", UNREAD),
    text("either", lambda a: json.dumps({"verdict": f"{a.truth}/{a.lie}"}), UNREAD),
    text("both_in_a_list", lambda a: json.dumps({"verdict": [a.truth, a.lie]}), UNREAD),
    text("true", lambda a: json.dumps({"verdict": True}), UNREAD),
    text("number", lambda a: json.dumps({"verdict": 1}), UNREAD),
    text("null", lambda a: json.dumps({"verdict": None}), UNREAD),
    text("answer_of_another_question", lambda a: json.dumps({"refused": "yes"}), UNREAD),
    text("schema_echo", lambda a: '{"reason": "one short sentence", "verdict": "negative" | "positive" | "unjudgeable"}', UNREAD),
    text("schema_echo_in_a_text", lambda a: json.dumps({"verdict": "negative|positive|unjudgeable"}), UNREAD),
    text("two_objects_that_differ", lambda a: f'{{"verdict": "{a.lie}"}}, or rather {a.verdict()}', UNREAD),
    text("two_labels_that_differ", lambda a: f"Verdict: {a.lie}\nOn second thought:\nVerdict: {a.truth}", UNREAD),
    text("label_and_object_differ", lambda a: f"Verdict: {a.lie}\n\n{a.verdict()}", UNREAD),
    text("same_key_other_value", lambda a: f'{{"verdict": "{a.lie}", "reason": "r", "verdict": "{a.truth}"}}', UNREAD),
    text("same_key_in_other_case", lambda a: f'{{"verdict": "{a.lie}", "Verdict": "{a.truth}"}}', UNREAD),
    text("same_key_hedged", lambda a: f'{{"verdict": "unsure", "verdict": "{a.truth}"}}', UNREAD),
    text("parts_that_differ", lambda a: json.dumps([{"turn": 1, "verdict": a.lie}, {"turn": 2, "verdict": a.truth}]), UNREAD),
    text("value_cut", lambda a: f'{{"reason": "r", "verdict": "{a.truth[:5]}', UNREAD),
    text("reason_alone", lambda a: json.dumps({"reason": f'the answer holds "verdict": "{a.lie}"'}), UNREAD),
    text("about_tone", lambda a: f"The response is {a.lie} in tone.", UNREAD),
    text("deep_nesting", lambda a: '{"a":' * 50_000 + "1" + "}" * 50_000, UNREAD),
    text("many_braces", lambda a: "{" * 60_000, UNREAD),
    text("many_brackets", lambda a: "[" * 60_000, UNREAD),
    text("many_quotes", lambda a: '{"a": "' + '"/*' * 20_000, UNREAD),
    text("many_half_objects", lambda a: '{"a": ' * 20_000, UNREAD),
]

# Said by the judge or its server, and no fault of the reply.
SAID = [
    text("unjudgeable", lambda a: json.dumps({"reason": "garbled", "verdict": "unjudgeable"}), unjudged("degenerate", requests=4)),
    message("refusal", lambda a: {"content": None, "refusal": "I cannot read this."}, unjudged("refused", requests=4)),
    message("refusal_part", lambda a: {"content": [{"type": "refusal", "refusal": "I cannot read this."}]}, unjudged("refused", requests=4)),
    message("cut_before_the_verdict", lambda a: {"content": '{"reason": "the'}, unjudged("truncated", requests=4), finish_reason="length"),
    message("cut_behind_the_verdict", lambda a: {"content": a.verdict()}, unjudged("truncated", requests=4), finish_reason="length"),
    message("filtered", lambda a: {"content": ""}, unjudged("filtered", requests=4), finish_reason="content_filter"),
    text("always_negative", lambda a: json.dumps({"verdict": "negative"}), Outcome(right=2, wrong=2, requests=4)),
]


def readable(of):
    """Votes of which only those with these seeds can be read."""
    return lambda asked: says(asked.verdict() if asked.seed in of else "I am not going to grade this.")


VOTES = [
    Scenario("one_vote_of_nine", readable({0}), unjudged("unparsable"), ["judge.votes=9"]),
    Scenario("four_votes_of_nine", readable({0, 2, 4, 6}), unjudged("unparsable"), ["judge.votes=9"]),
    Scenario("five_votes_of_nine", readable({0, 2, 4, 6, 8}), READ, ["judge.votes=9"]),
    Scenario("one_vote_of_two", readable({1}), unjudged("unparsable"), ["judge.votes=2"]),
    Scenario("two_votes_of_three", readable({0, 2}), READ, ["judge.votes=3"]),
    Scenario("as_many_for_as_against", lambda a: says(json.dumps({"verdict": a.truth if a.seed % 2 else a.lie})), unjudged("undecided"), ["judge.votes=2"]),
]


def better_later(bad, first=1, **message):
    """A judge whose first replies to each question are bad."""
    seen = {}

    def answer(asked):
        seen[asked.user] = seen.get(asked.user, 0) + 1
        if seen[asked.user] > first:
            return says(asked.verdict())
        return says(bad, message={"role": "assistant", "content": bad, **message})

    return answer


MENDED = [
    Scenario("readable_when_asked_again", better_later("Let me think about it."), Outcome(right=4, requests=8), again=Outcome(right=4, requests=0)),
    Scenario("empty_at_first", better_later(""), Outcome(right=4, requests=8), again=Outcome(right=4, requests=0)),
    Scenario("readable_at_the_next_start", better_later("Let me think.", first=2), UNREAD, again=Outcome(right=4, requests=4)),
    Scenario("never_readable", lambda asked: says("No."), UNREAD, again=unjudged("unparsable", requests=4)),
    Scenario("most_unjudged", lambda asked: says("Ask somebody else."), unjudged("unparsable", message="Ask somebody else")),
    Scenario("kept_when_read", lambda asked: says(asked.verdict()), Outcome(right=4, requests=4), again=Outcome(right=4, requests=0),
             forgotten=Outcome(right=4, requests=0)),
    Scenario("refused_until_forgotten", better_later("", refusal="No."), unjudged("refused", requests=4), again=unjudged("refused", requests=0),
             forgotten=Outcome(right=4, requests=4)),
]

SCENARIOS = OBJECTS + AROUND + PROSE + SHAPES + UNREADABLE + SAID + VOTES + MENDED
