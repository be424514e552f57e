"""All permissions. A method names the one that it needs in its proto; a token names those of its caller."""

PERMISSIONS = frozenset(
    {
        "agents.act",
        "batches.delete",
        "batches.read",
        "batches.write",
        "conversations.delete",
        "conversations.read",
        "conversations.write",
        "domains.read",
        "domains.write",
        "evaluations.delete",
        "evaluations.read",
        "evaluations.write",
        "personas.read",
        "personas.write",
        "procedures.read",
        "procedures.write",
        "recordings.delete",
        "recordings.read",
        "recordings.write",
        "rehearsals.delete",
        "rehearsals.read",
        "rehearsals.write",
        "reports.read",
        "reports.write",
        "resources.read",
        "resources.write",
        "sources.read",
        "sources.write",
        "traces.delete",
        "traces.read",
        "traces.write",
    }
)
"""Every permission that a method may declare in its proto."""
