"""Structures beside jsonschema and re: random schemas and documents, and answers by masks at random."""

import json
import re
from fractions import Fraction
from itertools import islice, permutations, product

import pytest

from seeds import choices
from structures import OPEN, Matcher, Refused, Structure, Vocabulary, accepts

jsonschema = pytest.importorskip("jsonschema")

VOCABULARY = Vocabulary()
CHARACTERS = 'abz07_ é€😀"\\\t/-'
PATTERNS = [
    "^a",
    "b$",
    "^[a-z]+$",
    "[0-9]{2}",
    "^(a|bb)*$",
    '"',
    "^.{2,4}$",
    "z|_",
    "^[a-z]+-[a-z]+$",
]
NAMES = ["a", "b", "ab", "x_1", "é", 'q"', "n"]


# --- schemas ------------------------------------------------------------------------------------


def text(rng, most=6):
    return "".join(rng.choice(CHARACTERS) for _ in range(rng.randrange(most)))


def number(rng):
    return rng.choice([rng.randrange(-20, 20), rng.randrange(-400, 400) / 4])


def a_value(rng, depth=2):
    """Any document, in the form that is accepted."""
    kind = rng.randrange(7 if depth else 5)
    if kind == 5:
        return [a_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 6:
        return {name: a_value(rng, depth - 1) for name in rng.sample("abk", rng.randrange(3))}
    return [None, rng.random() < 0.5, number(rng), rng.randrange(-200, 200), text(rng)][kind]


def some(rng, schema, **words):
    """Some of the keywords."""
    return schema | {k: v for k, v in words.items() if v is not None and rng.random() < 0.5}


def a_string(rng, depth, defs):
    least = rng.randrange(4)
    return some(
        rng,
        {"type": "string"},
        minLength=least,
        maxLength=least + rng.randrange(5),
        pattern=rng.choice(PATTERNS) if rng.random() < 0.5 else None,
    )


def a_number(rng, depth, defs):
    whole = rng.random() < 0.5
    least = rng.randrange(-150, 150) if whole else rng.randrange(-600, 600) / 4
    most = least + rng.choice([0, 3, 1000])
    words = some(rng, {}, minimum=least, exclusiveMinimum=least)
    words |= some(rng, {}, maximum=most, exclusiveMaximum=most)
    step = rng.choice([None, None, 3, 7, 10] if whole else [None, None, 0.5, 0.25, 2])
    return some(rng, words | {"type": "integer" if whole else "number"}, multipleOf=step)


def an_array(rng, depth, defs):
    least = rng.randrange(3)
    places = [a_schema(rng, depth - 1, defs) for _ in range(rng.randrange(1, 3))]
    items = (
        rng.choice([False, True, None]) if rng.random() < 0.4 else a_schema(rng, depth - 1, defs)
    )
    return some(
        rng,
        {"type": "array"},
        items=items,
        prefixItems=places,
        minItems=least,
        maxItems=least + rng.randrange(3),
    )


def an_object(rng, depth, defs):
    names = rng.sample(NAMES, rng.randrange(1, 5))
    properties = {name: a_schema(rng, depth - 1, defs) for name in names}
    others = rng.choice([False, True, None]) if rng.random() < 0.6 else a_schema(rng, 0, defs)
    schema = some(
        rng,
        {"type": "object", "properties": properties},
        required=rng.sample(names, rng.randrange(len(names) + 1)),
        additionalProperties=others,
        patternProperties={rng.choice(["^a", "b", "^x"]): a_schema(rng, 0, defs)},
    )
    if rng.random() < 0.2:
        schema["propertyNames"] = rng.choice([{"maxLength": 2}, {"pattern": "^[a-zé]"}])
    if rng.random() < 0.2:
        schema["maxProperties"] = rng.randrange(4)
    if rng.random() < 0.2:
        schema["minProperties"] = 1
    return schema


def a_choice(rng, depth, defs):
    values = [a_value(rng) for _ in range(rng.randrange(1, 5))]
    return {"enum": values} if rng.random() < 0.7 else {"const": values[0]}


def branches(rng, depth, defs):
    return {"anyOf": [a_schema(rng, depth - 1, defs) for _ in range(rng.randrange(1, 4))]}


def one_branch(rng, depth, defs):
    makers = rng.sample([a_string, a_number, an_array, an_object], 2)
    return {"oneOf": [make(rng, depth - 1, defs) for make in makers]}


def together(rng, depth, defs):
    make = rng.choice([a_string, a_number])
    return {"allOf": [make(rng, 0, defs), make(rng, 0, defs)]}


def a_reference(rng, depth, defs):
    return {"$ref": f"#/$defs/{rng.choice(defs)}"}


def a_schema(rng, depth, defs):
    plain = [a_string, a_number, a_choice, lambda *_: {"type": rng.choice(["null", "boolean"])}]
    makers = plain + [an_array, an_object, an_object, branches, one_branch, together] * (depth > 0)
    return rng.choice(makers + [a_reference] * bool(defs and depth > 0))(rng, depth, defs)


def whole_schema(rng):
    """Definitions are objects or arrays, so that none leads to itself without one of them."""
    names = ["p", "q"][: rng.randrange(3)]
    defs = {name: rng.choice([an_array, an_object])(rng, 1, names) for name in names}
    schema = a_schema(rng, 3, names)
    return schema | {"$defs": defs} if defs else schema


# --- documents ----------------------------------------------------------------------------------


class Sampler:
    """Documents that are often valid, their properties in the order of the schema."""

    def __init__(self, rng, schema):
        self.rng, self.defs = rng, schema.get("$defs", {})

    def of(self, schema, depth=6):
        rng = self.rng
        if not isinstance(schema, dict) or depth == 0:
            return a_value(rng, 1)
        if "$ref" in schema:
            return self.of(self.defs[schema["$ref"].split("/")[-1]], depth - 1)
        for word in ("anyOf", "oneOf", "allOf", "enum"):
            if word in schema:
                part = rng.choice(schema[word])
                return part if word == "enum" else self.of(part, depth)
        if "const" in schema:
            return schema["const"]
        return getattr(self, schema.get("type", "null"))(schema, depth)

    def null(self, schema, depth):
        return None

    def boolean(self, schema, depth):
        return self.rng.random() < 0.5

    def integer(self, schema, depth):
        low = int(schema.get("minimum", schema.get("exclusiveMinimum", -30)))
        return low + self.rng.randrange(-2, 12)

    def number(self, schema, depth):
        return self.integer(schema, depth) + self.rng.choice([0, 0.5, 0.25, 0.125])

    def string(self, schema, depth):
        return self.rng.choice([text(self.rng), "a" * self.rng.randrange(6), "ab-z", "07", "bb"])

    def array(self, schema, depth):
        places = schema.get("prefixItems", [])
        n = self.rng.randrange(schema.get("minItems", 0), schema.get("maxItems", 3) + 1)
        rest = schema.get("items", True)
        return [self.of(places[i] if i < len(places) else rest, depth - 1) for i in range(n)]

    def object(self, schema, depth):
        document, required = {}, schema.get("required", [])
        for name, part in schema.get("properties", {}).items():
            if name in required or self.rng.random() < 0.5:
                document[name] = self.of(part, depth - 1)
        others = [schema.get("additionalProperties", True)]
        others += schema.get("patternProperties", {}).values()
        for name in self.rng.sample(["zz", "abc", "xy", "", "€"], self.rng.randrange(3)):
            document[name] = self.of(self.rng.choice(others), 1)
        return document

    def changed(self, document):
        """One place of it is another value; or is missing; the order stays."""
        rng = self.rng
        if isinstance(document, list) and document and rng.random() < 0.8:
            i = rng.randrange(len(document))
            return [*document[:i], self.changed(document[i]), *document[i + 1 :]]
        if isinstance(document, dict) and document and rng.random() < 0.8:
            name = rng.choice(list(document))
            if rng.random() < 0.3:
                return {k: v for k, v in document.items() if k != name}
            return {k: self.changed(v) if k == name else v for k, v in document.items()}
        return a_value(rng, 1)


def dumped(document):
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def opened(schema):
    try:
        return Structure(schema, OPEN)
    except Refused as error:
        # No document is valid; a oneOf that cannot be told apart; objects that an enum gives, too.
        reasons = "nothing matches", "may hold at once", "enum or const gives cannot be enforced"
        assert any(reason in str(error) for reason in reasons), (schema, error)
        return None


def is_plain(document):
    """Numbers that are whole are written as digits where integers are meant."""
    if isinstance(document, (list, dict)):
        values = document.values() if isinstance(document, dict) else document
        return all(is_plain(value) for value in values)
    return not (isinstance(document, float) and document == int(document))


def orders(document):
    """The document with its properties in every order."""
    if isinstance(document, list):
        yield from map(list, product(*map(orders, document)))
    elif isinstance(document, dict):
        for names in permutations(document):
            for values in product(*(orders(document[name]) for name in names)):
                yield dict(zip(names, values))
    else:
        yield document


def is_accepted(structure, document):
    """In the order that some branch wants."""
    texts = map(dumped, islice(orders(document), 3000))
    return any(accepts(structure, VOCABULARY, text) for text in texts)


@pytest.mark.parametrize("part", range(4))
def test_documents(part):
    rng, met, valid = choices("documents", part), 0, 0
    for _ in range(120):
        schema = whole_schema(rng)
        structure = opened(schema)
        validator = jsonschema.Draft202012Validator(schema)
        sampler = Sampler(rng, schema)
        for _ in range(30 if structure else 0):
            document = sampler.of(schema)
            for candidate in (document, sampler.changed(document)):
                if not is_plain(candidate):
                    continue
                right = validator.is_valid(candidate)
                met, valid = met + 1, valid + right
                found = accepts(structure, VOCABULARY, dumped(candidate))
                if right and not found:
                    found = is_accepted(structure, candidate)
                assert found == right, (json.dumps(schema), dumped(candidate))
    assert met > 2000 and met * 0.2 < valid < met * 0.9


# --- answers ------------------------------------------------------------------------------------

CLOSING = [bytes([c]) for c in b'"]}0']


def pick(rng, matcher, step):
    allowed = matcher.allowed()
    assert allowed
    end = matcher.vocabulary.end
    if end in allowed and (step > 30 or rng.random() < 0.3):
        return end
    closing = [t for t in allowed if t < end and matcher.vocabulary.tokens[t] in CLOSING]
    return rng.choice(closing if closing and step > 30 and rng.random() < 0.7 else allowed)


def answer(rng, structure, most=600):
    """The text of a walk by masks; None: it has not ended."""
    matcher, out = Matcher(structure, VOCABULARY), b""
    for step in range(most):
        token = pick(rng, matcher, step)
        assert matcher.accept(token)
        if token == VOCABULARY.end:
            return out.decode()
        out += VOCABULARY.tokens[token]
    return None


def exactly(number):
    """But for exponents beyond all schemas, which are brought nearer."""
    digits, _, exponent = number.lower().partition("e")
    value = Fraction(digits) * Fraction(10) ** max(-300, min(300, int(exponent or 0)))
    return int(value) if value.denominator == 1 else value


@pytest.mark.parametrize("part", range(4))
def test_answers(part):
    rng, ended, walks = choices("answers", part), 0, 0
    for _ in range(60):
        schema = whole_schema(rng)
        structure = opened(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for _ in range(3 if structure else 0):
            found = answer(rng, structure)
            walks += 1
            if found is None:
                continue
            ended += 1
            document = json.loads(found, parse_float=exactly)
            assert validator.is_valid(document), (json.dumps(schema), found)
    assert ended > 0.6 * walks


FORMATS = "date time date-time email ipv4 ipv6 uuid uri hostname duration json-pointer".split()


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name):
    """What walks make passes jsonschema's own checks, as far as it has them."""
    rng = choices("formats", name)
    schema = {"type": "string", "format": name}
    structure = Structure(schema)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    for _ in range(15):
        found = answer(rng, structure, 2000)
        if found is not None:
            jsonschema.validate(json.loads(found), schema, format_checker=checker)


# --- regular expressions ------------------------------------------------------------------------


MANY = 1000
REPEATS = [
    ("", 1, 1),
    ("", 1, 1),
    ("*", 0, MANY),
    ("+", 1, MANY),
    ("?", 0, 1),
    ("{2}", 2, 2),
    ("{1,3}", 1, 3),
]


def a_character(text):
    return text, lambda word, places: {
        i + 1 for i in places if i < len(word) and re.fullmatch(text, word[i])
    }


def a_pattern(rng, depth=3):
    """A pattern, and a function of a word and places in it: where what begins there may end. Sets of places need no
    backtracking, which takes Python's own re for ever on repetitions of repetitions."""
    if depth == 0:
        return a_character(rng.choice(["a", "b", "[ab]", "[^a]", "é", r"\d", r"\.", "[a-c0]"]))
    parts = [a_pattern(rng, depth - 1) for _ in range(rng.randrange(1, 4))]
    either = rng.random() < 0.3
    sign, least, most = rng.choice(REPEATS)

    def once(word, places):
        if either:
            return set().union(*(ends(word, places) for _, ends in parts))
        for _, ends in parts:
            places = ends(word, places)
        return places

    def ends(word, places):
        for _ in range(least):
            places = once(word, places)
        found = set(places)
        for _ in range(most - least):
            places = once(word, places) - found
            if not places:
                break
            found |= places
        return found

    return f"(?:{('|' if either else '').join(text for text, _ in parts)}){sign}", ends


def test_patterns():
    rng, found = choices("patterns"), 0
    for _ in range(150):
        pattern, ends = a_pattern(rng)
        try:
            structure, own = Structure(regex=pattern), re.compile(pattern)
        except Refused as error:  # repetitions of repetitions may have very many states
            assert "more than" in str(error)
            continue
        for _ in range(20):
            word = "".join(rng.choice("abc0é.") for _ in range(rng.randrange(7)))
            right = own.fullmatch(word) is not None
            assert (len(word) in ends(word, {0})) == right, (pattern, word)
            assert accepts(structure, VOCABULARY, word) == right, (pattern, word)
            found += right
        made = answer(rng, structure)
        assert made is None or len(made) in ends(made, {0}), (pattern, made)
    assert found > 50
