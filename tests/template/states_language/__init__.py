"""The rules of the Amazon States Language, over state machines as template.yaml deploys them.

Each rule's docstring names its document: SPEC is https://states-language.net/spec.html, pages are those of
https://docs.aws.amazon.com/step-functions/latest/dg and, for API_ names, of ../apireference.
"""

from tests.template.states_language import choices, errors, fields, maps, paths

RULES = fields.RULES + errors.RULES + maps.RULES + paths.RULES + choices.RULES
