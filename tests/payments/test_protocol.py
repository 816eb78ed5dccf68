import pytest

from c2b.payments.protocol import Answer, Heard, PaymentFacts, ask


@pytest.mark.parametrize(
    "trouble", [TimeoutError("5 s"), ConnectionResetError(), ValueError("not JSON"), RuntimeError("HTTP 502"), KeyError("id")]
)
def test_whatever_goes_wrong_in_a_call_means_that_nobody_knows(payment: PaymentFacts, trouble: Exception) -> None:
    def call(_facts: PaymentFacts) -> Answer:
        raise trouble

    assert ask(call, payment) == Answer(Heard.UNKNOWN)


def test_an_answer_comes_through_as_it_was_given(payment: PaymentFacts) -> None:
    said = Answer(Heard.DONE, amount=5980, currency="CNY", merchant="main", reference="R1")
    assert ask(lambda _facts: said, payment) is said


def test_a_call_gets_the_facts_unchanged(payment: PaymentFacts) -> None:
    heard: list[PaymentFacts] = []

    def call(facts: PaymentFacts) -> Answer:
        heard.append(facts)
        return Answer(Heard.PENDING)

    ask(call, payment)
    assert heard == [payment]


def test_stopping_the_program_is_not_an_answer(payment: PaymentFacts) -> None:
    def call(_facts: PaymentFacts) -> Answer:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(call, payment)
