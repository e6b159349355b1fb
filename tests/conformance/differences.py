"""Where our agents differ from those of the same name in fence-agents 4.12.1, and why.

Each line: agents, option or action, what differs, reason. What: missing (they have it, we do not), new
(only ours), or the member of the record that differs (type, short, default, required, choices,
obsoletes, deprecated). Both sides are kept honest: a difference without a line fails the test, and so
does a line without a difference.
"""
ALL = "*"
SNMP_FAMILY = "fence_apc_snmp fence_eaton_snmp fence_raritan fence_ifmib fence_cisco_mds"
PDU = "fence_apc_snmp fence_eaton_snmp"
PORTS = "fence_ifmib fence_cisco_mds"
FABRIC = "fence_ifmib fence_cisco_mds fence_brocade fence_scsi"
NEW_EVERYWHERE = {
    "compat": "a missing action is an error unless this says otherwise",
    "json": "the outcome for programs",
    "not_after_ms": "the right to switch ends",
}
NEW_WITH_PASSWORD = {
    "password_file": "a secret that never stands in the configuration",
    "password_credential": "a secret that systemd keeps",
}
DIFFERENCES = [
    (ALL, "action", "default", "a missing action must not shoot a node"),
    (ALL, "quiet", "default", "booleans have real defaults"),
    (ALL, "verbose", "default", "booleans have real defaults"),
    (ALL, "version", "default", "booleans have real defaults"),
    (ALL, "help", "default", "booleans have real defaults"),
    (ALL, "verbose_level", "type", "no effect, so any text is taken"),
    (ALL, "verbose_level", "deprecated", "no effect here"),
    (ALL, "debug_file", "deprecated", "no effect here: --verbose writes to stderr"),
    (ALL, "disable_timeout", "deprecated", "no effect here: nothing waits for ever"),
    ("fence_ipmilan", "privlvl", "default", "operator is asked for first"),
    ("fence_ipmilan", "cipher", "type", "only suites that prove each packet"),
    ("fence_ipmilan", "cipher", "choices", "only suites that prove each packet"),
    ("fence_ipmilan", "cipher", "default", "a suite that proves and encrypts each packet"),
    ("fence_ipmilan", "lanplus", "default", "always RMCP+"),
    ("fence_ipmilan", "port_as_ip", "default", "booleans have real defaults"),
    ("fence_ipmilan", "auth", "type", "no effect: RMCP+ authenticates by its cipher suite"),
    ("fence_ipmilan", "auth", "choices", "no effect: RMCP+ authenticates by its cipher suite"),
    ("fence_ipmilan", "auth", "deprecated", "no effect: RMCP+ authenticates by its cipher suite"),
    ("fence_ipmilan", "plug_separator", "deprecated", "one BMC, one plug"),
    ("fence_ipmilan", "plug_separator", "default", "one BMC, one plug"),
    ("fence_ipmilan", "ipmitool_path", "deprecated", "no helper program"),
    ("fence_ipmilan", "ipmitool_path", "default", "no helper program"),
    ("fence_ipmilan", "ipmitool_timeout", "deprecated", "no helper program"),
    ("fence_ipmilan", "ipmitool_timeout", "default", "no helper program"),
    ("fence_ipmilan", "use_sudo", "deprecated", "no helper program"),
    ("fence_ipmilan", "use_sudo", "type", "no helper program"),
    ("fence_ipmilan", "sudo_path", "deprecated", "no helper program"),
    ("fence_ipmilan", "sudo_path", "default", "no helper program"),
    ("fence_ipmilan", "action diag", "missing", "an NMI does not stop a machine"),
    ("fence_dummy", "plug_separator", "deprecated", "one machine"),
    ("fence_dummy", "plug_separator", "default", "one machine"),
    ("fence_dummy", "type", "type", "a closed set of types"),
    ("fence_dummy", "type", "choices", "a closed set of types, more of them"),
    ("fence_dummy", "random_sleep_range", "type", "a number"),
]


def intended(agent, names):
    """The set of (option, what) that may and must differ for this agent. names: its options."""
    out = {(name, "new") for name in NEW_EVERYWHERE}
    if "password" in names:
        out |= {(name, "new") for name in NEW_WITH_PASSWORD}
    for agents, option, what, reason in DIFFERENCES:
        assert reason
        if agents == ALL or agent in agents.split():
            out.add((option, what))
    return out
