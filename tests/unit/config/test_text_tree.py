import pytest

from detectune.config.text_tree import Block, Place, Scalar, TextSyntaxError, parse


def fields(text):
    return {field.name: field.values[0] for field in parse(text).fields}


def test_places_count_lines_and_columns_from_one():
    tree = parse("a: 1\n\n  b {\n\tc: 'x'\n  }\n")
    (a, b) = tree.fields
    (c,) = b.values[0].fields
    assert (a.place, b.place, c.place) == (Place(1, 1), Place(3, 3), Place(4, 2))
    assert c.values[0] == Scalar("string", "'x'", Place(4, 5))


def test_comments_and_separators_are_skipped():
    assert [field.name for field in parse("# x: 1\na: 1, b: 2; c: 3 # end\n").fields] == list("abc")


def test_blocks_may_have_a_colon_and_angle_brackets():
    found = fields("a: { x: 1 } b < y: 2 > c { }")
    assert all(isinstance(value, Block) for value in found.values())


def test_lists_keep_all_values():
    (field,) = parse("ratios: [1.0, 2.0, .5]").fields
    assert [value.text for value in field.values] == ["1.0", "2.0", ".5"]
    assert field.is_list


def test_numbers_with_sign_exponent_and_suffix_are_one_token():
    found = fields("a: -4.6 b: 4e-05 c: 1.5f d: - 3 e: 0x1F")
    assert [value.text for value in found.values()] == ["-4.6", "4e-05", "1.5f", "-3", "0x1F"]
    assert {value.kind for value in found.values()} == {"number"}


def test_neighbouring_strings_are_one_value():
    assert fields('a: "x" "y" b: 1')["a"].text == '"x" "y"'


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("a {\n  b: 1\n", (3, 1), '"}" for the block opened at 1:3'),
        ("a: 1 }\n", (1, 6), "a field name"),
        ("a: [1, 2", (1, 9), '"," or "]" for the list of line 1'),
        ('a: "x\n', (1, 4), 'a closing "'),
        ("a 5\n", (1, 3), '":" or "{" after a'),
        ("a: $x", (1, 4), "a field name, a value or a bracket"),
        ("a:", (1, 3), "a value"),
        ("a { b: 1 >", (1, 10), '"}" for the block opened at 1:3'),
    ],
)
def test_a_syntax_error_says_where_and_what_was_expected(text, place, expected):
    with pytest.raises(TextSyntaxError) as caught:
        parse(text)
    assert (tuple(caught.value.place), caught.value.expected) == (place, expected)


def test_nesting_without_end_does_not_exhaust_the_stack():
    with pytest.raises(TextSyntaxError, match="more than 100 nested blocks"):
        parse("a{" * 5000)
