"""The commands, in the order in which a new user meets them: each is defined by the module of its name in this package.

A command is a line here and a module, which is imported when the command runs. So a command starts without what the
others need, and `receiver --help` without any of them.
"""

COMMANDS = {
    "serve": "Receive callbacks, answer questions and run handlers, until Ctrl-C or SIGTERM.",
    "work": (
        "Run deliveries of a journal that other receivers store into, until Ctrl-C or SIGTERM. It receives nothing."
    ),
    "check": "Check settings, handlers and filters without starting a receiver.",
    "init": "Write the settings, a secret, the systemd units and the proxy's configuration for this machine.",
    "new": "Write a new handler module with a scenario and a test, in the folder that you are in.",
    "phone": "Call a running receiver as a provider would: by keys, or from a script.",
    "test": "Play scenarios against your handlers, without a server and without the network, in a temporary journal.",
    "send": "Send a sample of a provider's callback to a running receiver, and print the request and the reply.",
    "callbacks": "List stored callbacks, and show one.",
    "call": (
        "Show the history of a stored call: its requests, the replies, and which handlers got them. It places no call."
    ),
    "deliveries": "List deliveries, show one, requeue dead ones, drop unwanted ones.",
    "refused": "List rejected requests, the newest first, each with its reason: for a callback that does not arrive.",
    "alarms": "List alarms, send a test message, silence alarms.",
    "reconcile": (
        "Compare a provider's call log with the journal: what never came, what is only here, and what differs."
    ),
    "gaps": "List calls of which something is missing, the oldest first.",
    "replay": "Replay stored callbacks: to handlers, to a URL (--to), or to compare today's answers (--diff).",
    "export": "Write stored callbacks or call records to a file.",
    "migrate": "Bring the journal's tables up to date, while receivers run. Of several that start it, one does it.",
    "prune": "Delete old callbacks with their deliveries, and the notes of placed calls.",
    "forget": "Blank a phone number in all stored callbacks, replies and errors. This cannot be undone.",
    "audit": "List who looked at, exported, replayed or erased stored callbacks, the newest last.",
    "backup": (
        "Write the journal to one compressed file, as it is at this moment, while receivers go on. "
        "The file is verified."
    ),
    "restore": "Restore a journal from a backup. Stop the receivers that use the database first.",
    "copy": "Copy a journal from SQLite to PostgreSQL or back, with all numbers, while receivers use it.",
    "doctor": (
        "Check the journal's integrity, the spool, free space, versions, and settings that contradict each other."
    ),
    "api": (
        "Call a provider's API, such as `receiver api voicenter click-to-call --phone 0501234567 --target 0721234567`."
    ),
    "handlers": (
        "List the handlers: what each listens to and in which order, where it stands, and how it has done lately."
    ),
    "sandbox": (
        "Play the providers' APIs and the calls behind them, until stopped. No account is needed and nothing costs."
    ),
    "flow": "Check and draw the flows of your handler modules.",
}
"""What `receiver --help` says of each: the first paragraph of its own help."""

GROUPS = {
    "Run it": ("serve", "work", "check", "init", "migrate"),
    "Write handlers and try them": ("new", "phone", "test", "send", "sandbox", "flow", "handlers"),
    "Look at what happened": ("callbacks", "call", "deliveries", "refused", "alarms", "gaps", "audit"),
    "Call the providers": ("api", "reconcile"),
    "Look after the journal": ("backup", "restore", "copy", "doctor", "replay", "export", "prune", "forget"),
}
"""Under which heading `receiver --help` has each."""
