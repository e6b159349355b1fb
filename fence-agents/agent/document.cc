#include "fence-agents/agent/document.h"

#include <algorithm>

#include "base/text.h"

namespace fencepost::agent {
namespace {

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kString:
      return "string";
    case Type::kInteger:
      return "integer";
    case Type::kSecond:
      return "second";
    case Type::kBoolean:
      return "boolean";
    case Type::kSelect:
      return "select";
  }
  return "string";
}

std::string Getopt(const Parameter& p) {
  std::string out;
  if (p.short_option != 0) out += Cat("-", std::string(1, p.short_option), ", ");
  out += "--" + p.LongName();
  if (p.type != Type::kBoolean) out += Cat("=[", p.name, "]");
  return out;
}

std::string HelpText(const Parameter& p) {
  return p.refused.empty() ? p.help : Cat(p.help, " Refused: ", p.refused, ".");
}

void ParameterXml(const Parameter& p, std::string_view name, bool old, std::string* out) {
  *out += Cat("\t<parameter name=\"", XmlEscape(name), "\" unique=\"0\" required=\"",
              p.required && !old ? "1" : "0", "\"");
  if (old || p.ignored) *out += " deprecated=\"1\"";
  if (!old && !p.obsoletes.empty()) *out += Cat(" obsoletes=\"", XmlEscape(p.obsoletes), "\"");
  *out += Cat(">\n\t\t<getopt mixed=\"", XmlEscape(Getopt(p)), "\"/>\n\t\t<content type=\"",
              TypeName(p.type), "\"");
  if (!p.default_value.empty()) *out += Cat(" default=\"", XmlEscape(p.default_value), "\"");
  if (p.choices.empty()) {
    *out += "/>\n";
  } else {
    *out += ">\n";
    for (const std::string& choice : p.choices) {
      *out += Cat("\t\t\t<option value=\"", XmlEscape(choice), "\"/>\n");
    }
    *out += "\t\t</content>\n";
  }
  *out +=
      Cat("\t\t<shortdesc lang=\"en\">", XmlEscape(HelpText(p)), "</shortdesc>\n\t</parameter>\n");
}

// Escapes what roff takes for a request, an escape, or a hyphen.
std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  if (!out.empty() && (out[0] == '.' || out[0] == '\'')) out.insert(0, "\\&");
  return out;
}

// Lines of at most kWidth characters, each of them escaped.
std::string Wrapped(std::string_view text) {
  constexpr std::size_t kWidth = 76;
  std::string out, line;
  for (const std::string& word : Split(text, ' ')) {
    if (!line.empty() && line.size() + 1 + word.size() > kWidth) {
      out += Roff(line) + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + Roff(line) + "\n";
}

// mdoc wants each sentence to begin a line.
std::string Sentences(std::string_view text) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool ends = text[at] == '.' && (at + 1 == text.size() || text[at + 1] == ' ');
    if (!ends && at + 1 != text.size()) continue;
    out += Wrapped(text.substr(from, at + 1 - from));
    from = at + 2;
    ++at;
  }
  return out;
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

}  // namespace

std::string XmlEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        // The other control characters cannot stand in an XML 1.0 document in any form.
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::string Metadata(const Spec& spec) {
  std::string out =
      Cat("<?xml version=\"1.0\" ?>\n<resource-agent name=\"", XmlEscape(spec.name),
          "\" shortdesc=\"", XmlEscape(spec.shortdesc), "\">\n<longdesc>", XmlEscape(spec.longdesc),
          "</longdesc>\n<vendor-url>", XmlEscape(spec.vendor_url), "</vendor-url>\n<parameters>\n");
  for (const Parameter& p : spec.parameters) {
    ParameterXml(p, p.name, false, &out);
    if (!p.obsoletes.empty()) ParameterXml(p, p.obsoletes, true, &out);
  }
  out += Cat("</parameters>\n<actions>\n\t<action name=\"on\"",
             spec.on_target ? " on_target=\"1\"" : "", " automatic=\"", spec.fabric ? "1" : "0",
             "\"/>\n\t<action name=\"off\"/>\n");
  if (!spec.fabric) out += "\t<action name=\"reboot\"/>\n";
  out += "\t<action name=\"status\"/>\n\t<action name=\"monitor\"/>\n";
  if (spec.has_plugs) out += "\t<action name=\"list\"/>\n\t<action name=\"list-status\"/>\n";
  for (const char* name : {"metadata", "manpage", "validate-all"}) {
    out += Cat("\t<action name=\"", name, "\"/>\n");
  }
  return out + "</actions>\n</resource-agent>\n";
}

std::string Help(const Spec& spec) {
  std::string out = Cat("Usage: ", spec.name, " -o ACTION [options]\n       ", spec.name,
                        " < file of name=value lines\n\n");
  std::size_t width = 0;
  for (const Parameter& p : spec.parameters) width = std::max(width, Getopt(p).size());
  for (const Parameter& p : spec.parameters) {
    if (p.ignored) continue;
    std::string line = "  " + Getopt(p);
    line.resize(width + 4, ' ');
    out += line + HelpText(p);
    if (!p.default_value.empty()) out += Cat(" Default: ", p.default_value, ".");
    out += "\n";
  }
  return out + Cat("\nExit status: 0 done, or on; 1 failed, or not known; 2 off (status).\n",
                   "See ", spec.name, "(8).\n");
}

std::string ManPage(const Spec& spec) {
  std::string out = Cat(".Dd November 21, 2026\n.Dt ", Upper(spec.name), " 8\n.Os\n.Sh NAME\n.Nm ",
                        spec.name, "\n.Nd ", Roff(LowerCase(spec.shortdesc.substr(0, 1))),
                        Roff(std::string_view(spec.shortdesc).substr(1)),
                        "\n.Sh SYNOPSIS\n.Nm\n.Fl o Ar action\n.Op Ar options\n.Nm\n"
                        ".Li < Ar file\n.Sh DESCRIPTION\n");
  out += Sentences(spec.longdesc);
  out +=
      ".Pp\nWithout arguments the options are read from standard input, one\n.Ar name Ns = Ns Ar "
      "value\non a line, in any order.\nUnknown names there are warned about and ignored.\n"
      ".Ss Actions\n.Bl -tag -width validate-all\n"
      ".It Cm on , off\nSwitch, then read the state until it was seen twice in a row.\n";
  if (!spec.on_always_acts) {
    out += Cat(spec.fabric ? "A connection" : "A machine",
               " that is in the wanted state already is left alone.\n");
  }
  if (spec.fabric) {
    out += "Off cuts the machine off and leaves it running.\nThere is no reboot.\n";
  } else {
    out +=
        ".It Cm reboot\nPower off, prove it, then power on.\nOnce off is proved the action has "
        "succeeded,\nalso when the machine cannot be powered on.\n";
  }
  out += ".It Cm status\nPrint the state.\n";
  if (spec.has_plugs) {
    out += ".It Cm list , list\\-status\nPrint plugs, their names and states.\n";
  }
  out +=
      ".It Cm monitor\nTell by the exit status whether the device can be reached and logged into.\n"
      ".It Cm metadata , manpage\nPrint the description for hosts, or this page.\n"
      ".It Cm validate\\-all\nCheck the options without reaching for the device.\n.El\n"
      ".Sh OPTIONS\nThe name on standard input stands before the options of the command line.\n"
      ".Bl -tag -width Ds\n";
  for (const Parameter& p : spec.parameters) {
    if (p.ignored) continue;
    out += Cat(".It Cm ", Roff(p.name), " Pq ", Roff(Getopt(p)), "\n", Sentences(HelpText(p)));
    if (!p.choices.empty()) {
      out += "One of";
      for (const std::string& choice : p.choices) {
        out += Cat(&choice == &p.choices.front() ? " " : ", ", Roff(choice));
      }
      out += ".\n";
    }
    if (!p.default_value.empty()) out += Cat("The default is ", Roff(p.default_value), ".\n");
    if (!p.obsoletes.empty()) out += Cat("The old name is ", Roff(p.obsoletes), ".\n");
  }
  out +=
      ".El\n.Sh EXIT STATUS\n.Bl -tag -width Ds\n.It 0\nDone, or on.\n.It 1\nFailed, or the "
      "state is not known.\nUnknown is never off.\n.It 2\n.Cm status :\noff.\n.El\n"
      ".Sh DIAGNOSTICS\nThe last line on standard error says how far the agent came\n"
      "and why it went no further:\n.Pp\n.Dl ";
  out += Roff(Cat(spec.name, ": failed phase=auth cause=bad-credentials: ..."));
  out +=
      "\n.Pp\nPhases are options, resolve, connect, auth, privilege, select, act and verify.\n"
      ".Sh SEE ALSO\n.Xr stonith 8\n";
  return out;
}

}  // namespace fencepost::agent
