"""Where our agents differ from those of the same name in fence-agents 4.12.1, and why.

Each line: agents, options or one action, what differs, reason. What: missing (they have it, we do not), new
(only ours), or the member of the record that differs (type, short, default, required, choices,
obsoletes, deprecated). Both sides are kept honest: a difference without a line fails the test, and so
does a line without a difference.
"""
ALL = "*"
PDU = "fence_apc_snmp fence_eaton_snmp"
SNMP = PDU + " fence_ifmib fence_cisco_mds"
SSH = "fence_brocade fence_virsh"
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
    (ALL, "quiet verbose version help", "default", "booleans have real defaults"),
    (ALL, "verbose_level", "type", "no effect, so any text is taken"),
    (ALL, "verbose_level debug_file disable_timeout", "deprecated",
     "no effect here: --verbose writes to stderr, and nothing waits for ever"),
    ("fence_ipmilan fence_dummy fence_redfish", "plug_separator", "deprecated default", "one machine, no plugs"),
    ("fence_ipmilan", "privlvl", "default", "operator is asked for first"),
    ("fence_ipmilan", "cipher", "type choices default", "only suites that prove each packet"),
    ("fence_ipmilan", "lanplus", "default", "always RMCP+"),
    ("fence_ipmilan fence_redfish", "port_as_ip", "default", "booleans have real defaults"),
    ("fence_ipmilan", "auth", "type choices deprecated",
     "no effect: RMCP+ authenticates by its cipher suite"),
    ("fence_ipmilan", "ipmitool_path ipmitool_timeout sudo_path", "deprecated default",
     "no helper program"),
    ("fence_ipmilan", "use_sudo", "deprecated", "no helper program"),
    ("fence_ipmilan fence_redfish", "action diag", "missing", "an NMI does not stop a machine"),
    ("fence_dummy", "type", "type choices", "a closed set of types, more of them"),
    ("fence_dummy", "random_sleep_range", "type", "a number"),
    ("fence_redfish", "gnutlscli_path", "default deprecated", "no helper program"),
    ("fence_redfish", "redfish_uri systems_uri", "obsoletes", "minus and underscore are one here"),
    ("fence_redfish", "ssl_insecure", "default", "booleans have real defaults"),
    ("fence_redfish", "ssl_secure", "default", "certificates are checked"),
    ("fence_redfish", "ssl_ca_file", "new", "certificates that the system does not know"),
    (SSH, "ssh_path command_prompt", "default deprecated", "no helper program"),
    (SSH, "ssh_options", "deprecated", "no helper program"),
    ("fence_virsh", "ssh_options", "default", "no helper program"),
    (SSH, "inet4_only inet6_only", "deprecated", "an address says it"),
    (SSH, "host_key known_hosts_file", "new", "no secret before the device is known"),
    ("fence_scsi", "devices", "required", "no volume group is searched for disks"),
    ("fence_scsi", "aptpl", "default", "booleans have real defaults"),
    ("fence_scsi", "readonly suppress_errors", "deprecated", "no effect: a disk that fails is a failure"),
    ("fence_scsi", "suppress_errors", "obsoletes", "minus and underscore are one here"),
    ("fence_scsi", "logfile", "deprecated", "no effect: --verbose writes to stderr"),
    ("fence_scsi", "key_value", "default type choices",
     "a position in a list of nodes changes when a node leaves it"),
    ("fence_scsi", "corosync_cmap_path sg_persist_path sg_turs_path vgs_path", "default deprecated",
     "no helper programs"),
    ("fence_scsi", "plug_separator", "deprecated default", "one node"),
    ("fence_scsi", "this_node own_key preempt_abort initiator chap_secret chap_secret_file "
     "chap_secret_script chap_secret_credential", "new",
     "who acts, with which key, through which session"),
    ("fence_brocade", "ipport ssh", "default", "telnet hides no password"),
    ("fence_brocade", "telnet_path", "default deprecated", "telnet hides no password"),
    ("fence_brocade", "persistent", "new", "what a switch's restart does to the port"),
    ("fence_virsh", "missing_as_off use_sudo", "default", "booleans have real defaults"),
    (SNMP + " fence_raritan " + SSH, "plug", "required", "list and monitor need none; all else asks for it"),
    (PDU, "community", "default", "a known community that may write is no secret"),
    (PDU + " fence_raritan", "model", "new", "an outlet table that sysObjectID does not name"),
    (SNMP, "community_file community_script community_credential snmp_priv_passwd_file "
     "snmp_priv_passwd_credential", "new", "secrets that never stand in the configuration"),
    (SNMP, "snmp_auth_prot snmp_priv_prot", "choices", "SHA-2 and AES-192, AES-256 as well"),
    (SNMP, "snmpget_path snmpset_path snmpwalk_path", "default deprecated", "no helper programs"),
    ("fence_apc_snmp", "switch", "new", "there in the code, but not in their metadata"),
    ("fence_raritan", "community community_file community_script community_credential model "
     "snmp_version snmp_sec_level snmp_auth_prot snmp_priv_prot snmp_priv_passwd "
     "snmp_priv_passwd_file snmp_priv_passwd_script snmp_priv_passwd_credential snmpget_path "
     "snmpset_path snmpwalk_path", "new", "SNMP instead of telnet, which hides no password"),
    ("fence_raritan", "ipport", "default", "SNMP instead of telnet"),
    ("fence_raritan", "username", "required", "only version 3 has users"),
    ("fence_raritan", "telnet_path", "default deprecated", "SNMP instead of telnet"),
]


def intended(agent, names):
    """The set of (option, what) that may and must differ for this agent. names: its options."""
    out = {(name, "new") for name in NEW_EVERYWHERE}
    if "password" in names:
        out |= {(name, "new") for name in NEW_WITH_PASSWORD}
    for agents, options, whats, reason in DIFFERENCES:
        assert reason
        if agents == ALL or agent in agents.split():
            each = [options] if options.startswith("action ") else options.split()
            out |= {(option, what) for option in each for what in whats.split()}
    return out
