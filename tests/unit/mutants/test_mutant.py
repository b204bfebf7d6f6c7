"""Where mutants are, what they are called, and what none is made of."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.choice import all_of
from tests.mutants.mutant import MODULE, Mutant, find
from tests.mutants.packages import HOLDFAST, Package
from tests.mutants.sample import sample
from tests.mutants.source import Source


def mutants_of(folder: Path, text: str) -> list[Mutant]:
    (folder / "code.py").write_text(text, encoding="utf-8")
    return find(folder, "code.py")


@pytest.mark.parametrize(
    "text",
    [
        '"""About this."""',
        "class A:\n    'About this.'\n",
        "x: Literal['a'] = y",
        "X = Literal['a', 'b']",
        "def f(a: 'A') -> 'B': ...",
        "@dataclass(frozen=True)\nclass A(B, metaclass=C(1)): ...",
        "@wraps(1)\ndef f(): ...",
        "__all__ = ['a']",
        "if TYPE_CHECKING:\n    a()\n",
        "if __name__ == '__main__':\n    main()\n",
        "T = TypeVar('T')",
        "x = cast('A', y)",
        "_log.info('said', a=1)",
        "x = 'a sentence about it'",
        "x = f'volume {a} of claim {b}'",
        "x = f'{name} lost'",
        "x = '`false`'",
        "x = Thread(name='reflector')",
    ],
)
def test_nothing_is_made_of_what_only_people_or_checkers_read(tmp_path: Path, text: str) -> None:
    assert mutants_of(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "def f():\n    raise A('why', 1) from None",
            ["raise A('why', 1) from None -> pass", "1 -> 2"],
        ),
        ("x = a is None", ["is -> is not"]),
        ("x = f'pvc-{uid}'", ["f'pvc-{uid}' -> \"mutated\""]),
        ("x = Thread(target=a, daemon=True)", ["True -> False"]),
        ("x = 'application/json'", ["'application/json' -> \"mutated\""]),
    ],
)
def test_what_counts_beside_it_is_still_changed(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    assert [mutant.change for mutant in mutants_of(tmp_path, text)] == expected


def test_a_mutant_knows_its_function_and_whether_that_is_run(tmp_path: Path) -> None:
    text = "A = 1\nclass B:\n    c = 2\n    def d(self, e=3):\n        return [\n            4]\n"

    found = {mutant.change: mutant.scope for mutant in mutants_of(tmp_path, text)}

    assert (found["1 -> 2"].name, found["1 -> 2"].runs) == (MODULE, False)
    assert (found["2 -> 3"].name, found["2 -> 3"].runs) == ("B", False)
    assert (found["3 -> 4"].name, found["3 -> 4"].runs) == ("B.d", False)
    assert (found["4 -> 5"].name, found["4 -> 5"].runs) == ("B.d", True)
    assert found["4 -> 5"].lines == range(5, 7)


def test_a_mutant_shows_its_change_in_one_line(tmp_path: Path) -> None:
    text = "def f(é):\n    return é < 5  # why\n"

    [first, *_] = [one for one in mutants_of(tmp_path, text) if one.operator == "comparison"]

    assert first.place == "code.py:2"
    assert first.diff == "return é [-<-]{+<=+} 5 # why"


def test_a_change_of_several_lines_is_shown_in_one(tmp_path: Path) -> None:
    [removed, *_] = mutants_of(tmp_path, "if a:\n    b(\n        c,\n    )  # so\n")[1:]

    assert removed.diff == "[-b( c, )-]{+pass+} # so"
    assert removed.lines == range(2, 5)


def test_the_same_change_twice_in_a_line_has_a_number(tmp_path: Path) -> None:
    found = mutants_of(tmp_path, "x = f(1, 1)\n")

    assert [mutant.change for mutant in found] == ["1 -> 2", "1 -> 2 (2)"]


def test_a_key_stays_when_the_line_moves(tmp_path: Path) -> None:
    [before] = mutants_of(tmp_path, "A = 1\n")
    [after] = mutants_of(tmp_path, "import b\n\nA = 1\n")

    assert before.key == after.key == ("code.py", MODULE, "A = 1", "1 -> 2")
    assert before.place != after.place


def test_a_mutant_changes_the_file_below_another_root_only(tmp_path: Path) -> None:
    for name in ("checkout", "copy"):
        (tmp_path / name).mkdir()
        [mutant] = mutants_of(tmp_path / name, "A = 1  # é\n")

    mutant.apply(tmp_path / "copy")

    assert (tmp_path / "copy" / "code.py").read_text(encoding="utf-8") == "A = 2  # é\n"
    assert (tmp_path / "checkout" / "code.py").read_text(encoding="utf-8") == "A = 1  # é\n"


@pytest.mark.parametrize("package", HOLDFAST.packages, ids=lambda package: str(package.name))
def test_the_mutants_that_a_run_tries_are_python_and_not_the_code_itself(package: Package) -> None:
    chosen = sample(all_of(HOLDFAST)[package], 60, seed=0)
    assert len(chosen) == 60
    for mutant in chosen:
        text = (HOLDFAST.root / mutant.file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(Source(text).applied(mutant.edit))) != ast.dump(ast.parse(text))
