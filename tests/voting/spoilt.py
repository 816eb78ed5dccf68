"""Ways to tamper with a bundle: each changes one thing and says nothing about it."""

from collections.abc import Callable
from random import Random
from typing import Any

from c2b.voting import statement
from tests.voting.elections import Files, cast

Spoil = Callable[[Files, Random], None]


def some(random: Random, of: list[Any]) -> int:
    return random.randrange(len(of))


def other_hex(random: Random, text: str) -> str:
    place = random.randrange(len(text))
    return text[:place] + random.choice([digit for digit in "0123456789abcdef" if digit != text[place]]) + text[place + 1 :]


def flip_a_commitment(files: Files, random: Random) -> None:
    row = random.choice(files.rows)
    row[2] = other_hex(random, row[2])


def flip_a_version(files: Files, random: Random) -> None:
    row = random.choice(files.rows)
    row[1] = str(int(row[1]) + random.choice([1, 2, 100]))


def flip_held(files: Files, random: Random) -> None:
    row = random.choice(files.rows)
    row[3] = str(1 - int(row[3]))


def rename_a_ballot(files: Files, random: Random) -> None:
    row = random.choice(files.rows)
    row[0] = row[0][:-1] + random.choice([letter for letter in "BCDEFG" if letter != row[0][-1]])


def drop_a_ballot(files: Files, random: Random) -> None:
    number = some(random, files.rows)
    del files.rows[number]
    if files.picks is not None:
        del files.picks[number]


def double_a_ballot(files: Files, random: Random) -> None:
    number = some(random, files.rows)
    for table in filter(None, (files.rows, files.picks)):
        table.insert(number, list(table[number]))


def add_a_ballot(files: Files, random: Random) -> None:
    new = cast(random, [files.result["candidates"][0]["code"]])
    files.rows.append([new.serial, str(new.version), new.commitment, "0"])
    files.rows.sort()
    if files.picks is not None:
        files.picks.append([new.serial, new.nonce, " ".join(new.codes)])
        files.picks.sort()


def two(random: Random, count: int) -> tuple[int, int]:
    first, second = random.sample(range(count), 2)
    return first, second


def reorder_ballots(files: Files, random: Random) -> None:
    first, second = two(random, len(files.rows))
    for table in filter(None, (files.rows, files.picks)):
        table[first], table[second] = table[second], table[first]


def swap_commitments(files: Files, random: Random) -> None:
    first, second = two(random, len(files.rows))
    files.rows[first][2], files.rows[second][2] = files.rows[second][2], files.rows[first][2]


def line(files: Files, random: Random) -> dict[str, Any]:
    found: dict[str, Any] = random.choice(files.result["lines"])
    return found


def add_votes(files: Files, random: Random) -> None:
    line(files, random)["votes"] += random.randint(1, 5)


def add_held_votes(files: Files, random: Random) -> None:
    line(files, random)["held"] += 1


def move_votes(files: Files, random: Random) -> None:
    richest = max(files.result["lines"], key=lambda each: each["votes"])
    other = random.choice([each for each in files.result["lines"] if each is not richest])
    richest["votes"] -= 1
    other["votes"] += 1


def swap_ranks(files: Files, random: Random) -> None:
    lines = files.result["lines"]
    first, second = two(random, len(lines))
    lines[first]["code"], lines[second]["code"] = lines[second]["code"], lines[first]["code"]


def change_a_result(files: Files, random: Random) -> None:
    found = line(files, random)
    found["result"] = random.choice([each for each in ("selected", "not_selected", "withdrawn") if each != found["result"]])


def change_a_lot(files: Files, random: Random) -> None:
    found = line(files, random)
    found["tie_key"] = other_hex(random, found["tie_key"])


def change_the_places(files: Files, random: Random) -> None:
    files.result["rules"]["places"] += random.randint(1, 3)


def change_the_limit(files: Files, random: Random) -> None:
    files.result["rules"]["max_per_category"] += random.randint(1, 3)


def change_the_minimum(files: Files, random: Random) -> None:
    files.result["rules"]["min_votes"] += random.randint(1, 3)


def withdraw(files: Files, random: Random) -> None:
    found = random.choice(files.result["candidates"])
    found["withdrawn"] = not found["withdrawn"]


def recategorise(files: Files, random: Random) -> None:
    random.choice(files.result["candidates"])["category"] += "x"


def change_the_secret(files: Files, random: Random) -> None:
    files.result["secret"] = other_hex(random, files.result["secret"])


def change_a_hash(files: Files, random: Random) -> None:
    name = random.choice(["commitment", "seed", "rules_hash", "input_hash", "output_hash", "published_hash"])
    files.result[name] = other_hex(random, files.result[name])


def change_the_root(files: Files, random: Random) -> None:
    files.result["ballots"]["root"] = other_hex(random, files.result["ballots"]["root"])


def change_a_total(files: Files, random: Random) -> None:
    files.result[random.choice(["votes", "held_votes"])] += 1


def change_the_margin(files: Files, random: Random) -> None:
    margin = files.result["margin"]
    name = random.choice(["last_selected", "first_not_selected", "tie"])
    margin[name] = not margin[name] if name == "tie" else margin[name] + 1


def rename_the_campaign(files: Files, _: Random) -> None:
    files.result["campaign"] = "aw27"


def versions(files: Files) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = files.result["published"]
    return found


def override(files: Files, random: Random) -> dict[str, Any]:
    found: dict[str, Any] = random.choice([each for told in versions(files) for each in told["changes"]])
    return found


def follow(files: Files, change: str, code: str, reason: str) -> None:
    """Tell one more version, with an override that never was, as whoever knows the format would."""
    versions(files).append({"at": "2027-04-01", "changes": [statement.change(code=code, change=change, reason=reason)]})
    files.publish()


def override_without_a_reason(files: Files, random: Random) -> None:
    free = [each for each in files.result["lines"] if each["code"] not in {one["code"] for one in files.result["overrides"]}]
    found = random.choice(free or files.result["lines"])
    follow(files, "dropped" if found["result"] == "selected" else "made", found["code"], " ")


def override_nothing(files: Files, random: Random) -> None:
    found = line(files, random)
    follow(files, "made" if found["result"] == "selected" else "dropped", found["code"], "because")


def invent_an_override(files: Files, random: Random) -> None:
    found = line(files, random)
    change = statement.change(code=found["code"], change="dropped" if found["result"] == "selected" else "made", reason="so it is")
    random.choice(versions(files))["changes"].append(change)
    files.result["overrides"] = statement.in_effect(versions(files))


def list_an_override(files: Files, random: Random) -> None:
    """Say so where people look, and nowhere else."""
    found = line(files, random)
    files.result["overrides"].append({"code": found["code"], "made": found["result"] != "selected", "reason": "so it is"})
    files.result["overrides"].sort(key=lambda each: each["code"])


def drop_an_override(files: Files, random: Random) -> None:
    told = random.choice([each for each in versions(files) if each["changes"]])
    told["changes"].remove(random.choice(told["changes"]))
    files.result["overrides"] = statement.in_effect(versions(files))


def drop_a_version(files: Files, random: Random) -> None:
    del versions(files)[random.randrange(len(versions(files)))]
    files.result["overrides"] = statement.in_effect(versions(files))


def drop_the_last_version(files: Files, _: Random) -> None:
    versions(files).pop()
    files.result["overrides"] = statement.in_effect(versions(files))


def give_an_override_another_reason(files: Files, random: Random) -> None:
    override(files, random)["reason"] += "!"
    files.result["overrides"] = statement.in_effect(versions(files))


def give_an_override_to_another(files: Files, random: Random) -> None:
    found = override(files, random)
    found["code"] = random.choice([each["code"] for each in files.result["lines"] if each["code"] != found["code"]])
    files.result["overrides"] = statement.in_effect(versions(files))


def invent_a_hold(files: Files, random: Random) -> None:
    files.result["holds"].append({"rule": "burst", "reason": "999 at once", "ballots": 1, "votes": random.randint(1, 3)})


def drop_a_hold(files: Files, random: Random) -> None:
    files.result["holds"].remove(random.choice(files.result["holds"]))


def hold_for_another_reason(files: Files, random: Random) -> None:
    found = random.choice(files.result["holds"])
    name = random.choice(["rule", "reason"])
    found[name] = "device" if name == "rule" else "just so"


def hold_other_numbers(files: Files, random: Random) -> None:
    random.choice(files.result["holds"])[random.choice(["ballots", "votes"])] += 1


def rename_a_candidate(files: Files, random: Random) -> None:
    random.choice(files.result["candidates"])[random.choice(["name", "name_en", "reason"])] += "x"


def swap_names(files: Files, random: Random) -> None:
    candidates = files.result["candidates"]
    first, second = two(random, len(candidates))
    candidates[first]["name"], candidates[second]["name"] = candidates[second]["name"], candidates[first]["name"]


def retitle(files: Files, random: Random) -> None:
    files.result[random.choice(["title", "title_en", "time_zone", "voting_opens", "voting_closes", "selected_at"])] += "x"


def change_when(files: Files, random: Random) -> None:
    random.choice(versions(files))["at"] += "x"


def change_picks(files: Files, random: Random) -> None:
    """Where they are public: give a ballot another pick."""
    assert files.picks
    row = random.choice(files.picks)
    codes = row[2].split(" ") if row[2] else []
    others = [each["code"] for each in files.result["candidates"] if each["code"] not in codes]
    row[2] = " ".join(codes[1:] if codes and not (others and random.random() < 0.5) else sorted([*codes, *others[:1]]))


def change_a_nonce(files: Files, random: Random) -> None:
    assert files.picks
    row = random.choice(files.picks)
    row[1] = other_hex(random, row[1])


OF_BALLOTS: tuple[Spoil, ...] = (
    flip_a_commitment,
    flip_a_version,
    flip_held,
    rename_a_ballot,
    drop_a_ballot,
    double_a_ballot,
    add_a_ballot,
    reorder_ballots,
    swap_commitments,
)
OF_COUNTS: tuple[Spoil, ...] = (add_votes, add_held_votes, move_votes)
OF_RULES: tuple[Spoil, ...] = (change_the_places, change_the_limit, change_the_minimum)
OF_CANDIDATES: tuple[Spoil, ...] = (withdraw, recategorise)
OF_THE_RESULT: tuple[Spoil, ...] = (
    swap_ranks,
    change_a_result,
    change_a_lot,
    change_a_hash,
    change_the_root,
    change_a_total,
    change_the_margin,
    rename_the_campaign,
    override_without_a_reason,
    override_nothing,
)
OF_NAMES: tuple[Spoil, ...] = (rename_a_candidate, swap_names, retitle)
OF_HOLDS: tuple[Spoil, ...] = (drop_a_hold, hold_for_another_reason, hold_other_numbers)
"""Where something was held."""
OF_OVERRIDES: tuple[Spoil, ...] = (
    drop_an_override,
    drop_a_version,
    drop_the_last_version,
    give_an_override_another_reason,
    give_an_override_to_another,
    change_when,
)
"""Where there were overrides."""
INVENTED: tuple[Spoil, ...] = (invent_a_hold, invent_an_override, list_an_override)
OF_PICKS: tuple[Spoil, ...] = (change_picks, change_a_nonce)
ALWAYS: tuple[Spoil, ...] = (*OF_BALLOTS, *OF_COUNTS, *OF_RULES, *OF_CANDIDATES, change_the_secret, *OF_THE_RESULT, *OF_NAMES, *INVENTED)
