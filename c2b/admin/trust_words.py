"""What the desk for suspicious ballots calls rules, measures and decisions."""

from c2b.errors import N_
from c2b.voting.rules import SuspicionRule, SuspicionState

RULES: dict[SuspicionRule, tuple[str, str]] = {
    SuspicionRule.BURST: (
        N_("Many at once"),
        N_("Far more ballots for the same products than the hours around explain."),
    ),
    SuspicionRule.ONE_TIME_MAIL: (N_("Throw-away mail"), N_("Addresses that anybody can have any number of, voting for the same.")),
    SuspicionRule.DEVICE: (N_("One device or browser"), N_("Many ballots from one device or one rare browser, voting for the same.")),
    SuspicionRule.TOO_FAST: (N_("Faster than a person"), N_("Picks that follow each other faster than anybody can look at them.")),
    SuspicionRule.SEQUENTIAL: (N_("Addresses in a row"), N_("Addresses that were made one after the other, voting for the same.")),
    SuspicionRule.REFERRER: (N_("From one link"), N_("Many ballots that came by the same link, voting for the same.")),
    SuspicionRule.CLIQUE: (N_("The same picks"), N_("Ballots with nearly the same picks, which taste alone doesn’t explain.")),
    SuspicionRule.BY_HAND: (N_("By hand"), N_("Staff named this ballot by its serial; no rule found it.")),
}
STATES: dict[SuspicionState, tuple[str, str]] = {
    SuspicionState.OPEN: (N_("New, still counted"), "warn"),
    SuspicionState.HELD: (N_("Held"), "bad"),
    SuspicionState.ASKED: (N_("Asked to verify"), "inf"),
    SuspicionState.KEPT: (N_("Counted"), "ok"),
}
DECIDED: dict[str, str] = {
    SuspicionState.HELD: N_("Group %(number)s is held: not counted, not deleted. Its voters are told."),
    SuspicionState.ASKED: N_("The voters of group %(number)s are asked to sign in once more; until then their ballots aren’t counted."),
    SuspicionState.KEPT: N_("Group %(number)s is counted."),
}
UNITS: dict[str, str] = {
    "addresses_in_a_row": N_("Addresses in a row"),
    "ballots_of_a_device": N_("Ballots from one device"),
    "one_time_mail_share": N_("Share with throw-away mail"),
    "mail_domain_share": N_("Share with this mail domain"),
    "seconds_between_taps": N_("Seconds between picks"),
    "ballots_begun_in_the_time": N_("Ballots begun in the time"),
    "picks_of_a_list": N_("Picks that all share"),
    "share_of_a_candidates_votes": N_("Share of a product’s votes"),
}
"""What a rule measures."""
