"""Which replies ask for no more messages, and which only look so."""

import pytest

from shared.model.campaigns.optout import is_opt_out

ASKS = """
    STOP | stop | Stop. | STOP!!! | "STOP" | stop stop stop | STOP PLEASE | Please stop | pls stop now |
    Stop, thank you | STOPALL | stop all | quit | QUIT | end | End. | revoke | cancel | Cancel please | CANCEL |
    unsubscribe | UNSUBSCRIBE ME | Unsubscribe please | please unsubscribe me from this | optout | opt out |
    Opt-out please | I want to opt out | I'd like to opt out of these messages | opt me out |
    take me off your list | Please take me off your mailing list. | Take my number off this list | remove me |
    Remove me from your list | please remove my number | delete my number | Lose my number | stop texting me |
    Please stop sending me these messages | STOP SENDING ME EMAILS | quit messaging me | Stop contacting me! |
    stop with the texts | stop the spam | stop it | Can you please stop texting me? | would you stop emailing me |
    no more texts | No more messages please | no more emails! | don't text me again | Do not contact me |
    dont message me anymore | don’t text this number | Do not email me any more | never text me again |
    please don't send me any more texts | don't send me anything | I don't want these messages |
    i dont want to receive any more texts | I no longer wish to receive your emails |
    I do not want to hear from you | I don't want to be contacted | I would like to stop receiving these |
    I want these to stop | I hereby revoke my consent | I withdraw my consent |
    I'm revoking my permission to text me | leave me alone | Leave us alone please | make it stop |
    How do I stop these texts? | How do I get off this list? | how can i unsubscribe | Not interested. Stop. |
    No thanks, please unsubscribe | Hi, I got your offer but please take me off your list. |
    Wrong number, stop texting | cancel these messages | Cancel all texts | turn off notifications |
    Turn these alerts off | end these texts | put me on your do not call list | Enough! Stop | I said STOP | arrêt |
    go away | get me off this list | Sign me out of this list | cease and desist |
    I never signed up for this, remove me from your database | stop bothering me | Fuck off | STOP\U0001f6d1 |
    s.t.o.p | Please remove me from all further communications | Kindly take us off the list
"""
DOES_NOT = """
    don't stop | Please don't stop! | dont stop sending these | never stop | When does it end? |
    when does the sale end | What's the end date? | I can't stop laughing | I won't stop until I win | non-stop |
    the bus stop is closed | I'll stop by tomorrow | Stop by at 5? | can I stop in at noon |
    end of the month works | I quit my job | I quit smoking last year | My week ends Friday |
    cancel my appointment | Can I cancel my order? | Please cancel my booking for Monday |
    I need to cancel Tuesday | what is your cancellation policy | If I cancel, do I get a refund? |
    What happens if I unsubscribe? | I don't want to unsubscribe | please do not unsubscribe me |
    Please don't remove me from the list | Did I unsubscribe by accident? |
    I stopped getting your texts, please start again | why did you stop texting me? | Don't take me off the list |
    I didn't opt out | I opted out by mistake, sign me back up | yes | no | No thanks | not interested |
    maybe later | Who is this? | STOPPED | I won't be able to make it | how much is it | Where does the trail end? |
    is there a stop on the way | can you stop the delivery | Stop the order please |
    Remove the second item from my cart | please delete the blue shirt from the order | take 20% off my bill |
    I want to end my lease | end of story | the end | weekend | unstoppable | We can't wait |
    Stop texting me so late, mornings are fine | Don't text me before 9 | don't call me back today, tomorrow is ok |
    leave me a message | Leave me the details | no more questions, thanks | I don't want to miss your messages |
    send me more | I love your emails | never had a better text | Is the offer still on |
    I'd cancel if it costs more | Don't you dare stop | How do I cancel my order? | Quit is not in my vocabulary |
    Can I opt out of the insurance? | remove me from the waitlist | I need to stop by the shop |
    > Reply STOP to opt out\\nYes please, 9 works | Yes!\\n\\nOn Mon, 2 Feb 2026 Shop wrote:\\n> unsubscribe here
"""


def _texts(table: str) -> list[str]:
    return [
        text.strip().replace("\\n", "\n") for line in table.splitlines() for text in line.split("|") if text.strip()
    ]


@pytest.mark.parametrize("reply", _texts(ASKS))
def test_any_plain_wording_opts_out(reply: str) -> None:
    assert is_opt_out(reply)


@pytest.mark.parametrize("reply", _texts(DOES_NOT))
def test_words_that_only_look_like_an_opt_out_do_not(reply: str) -> None:
    assert not is_opt_out(reply)


def test_a_long_reply_is_read_in_time_linear_in_its_length() -> None:
    assert not is_opt_out("don't stop " * 100_000)
