//! The pages that `piton explain CODE` prints for mistakes of syntax.

/// One code and what there is to know about it.
#[derive(Clone, Copy, Debug)]
pub struct CodePage {
    /// The code as it stands in diagnostics.
    pub code: &'static str,
    /// One line.
    pub summary: &'static str,
    /// The page, in Markdown.
    pub page: &'static str,
}

const fn code(code: &'static str, summary: &'static str, page: &'static str) -> CodePage {
    CodePage {
        code,
        summary,
        page,
    }
}

/// Every code that reading a file can give, in alphabetical order.
pub const CODES: &[CodePage] = &[
    code(
        "syntax::anchor",
        "an anchor, an alias or a merge key in YAML",
        "A runbook says what it does in the place where it does it, so `&name`, `*name` and `<<` are refused.\n\
         Write the value out where it is needed, or make it a parameter and use `${{ params.NAME }}`.\n\
         A text that begins with `&` or `*` needs quotes.",
    ),
    code(
        "syntax::bad-escape",
        "a backslash that begins no escape",
        "In double quotes a backslash begins an escape: `\\n`, `\\t`, `\\r`, `\\\"`, `\\\\` and `\\u{E9}` (`\\u00E9` in YAML).\n\
         Write `\\\\` for a backslash. Scripts and patterns are easier to read where nothing is an escape:\n\
         between `\"\"\"` in a `.runbook` file, after `|` in YAML.",
    ),
    code(
        "syntax::bad-key",
        "a list or a map as a key in YAML",
        "Keys are words or texts. The usual cause is a value that begins with `{` or `[` and needs quotes:\n\
         `dir: \"${{ params.dir }}\"`.",
    ),
    code(
        "syntax::bad-value",
        "a value that cannot be read",
        "Without quotes stand numbers (`3`, `0.5`), durations (`90s`, `1h30m`), ranges of them (`2s..30s`), percentages\n\
         (`80%`), `true`, `false` and single words. Everything else is a text in double quotes, expressions too:\n\
         `when = \"params.count > 3\"`.",
    ),
    code(
        "syntax::comments-move",
        "comments that would change their order in the other syntax",
        "`piton convert` keeps the order of comments. In YAML all blocks of one kind stand under one key (`params:`, `steps:`),\n\
         so where they stand apart in a `.runbook` file, comments between them would move. Put blocks of one kind next to\n\
         each other. Two comments on one line (`/* a */ # b`) cannot stay two in YAML either.",
    ),
    code(
        "syntax::directive",
        "a YAML directive",
        "Lines that begin with `%` address the YAML parser, and a runbook needs none. Remove the line;\n\
         a text that begins with `%` needs quotes.",
    ),
    code(
        "syntax::duplicate-key",
        "a key is given twice in one block",
        "Which of the two would count is not to be guessed. Keep one. The report shows both places.",
    ),
    code(
        "syntax::indentation",
        "a line of YAML that is not indented like its neighbours",
        "The keys of one block, the items of one list and the lines of one text are indented alike, with spaces.",
    ),
    code(
        "syntax::invalid-yaml",
        "YAML that cannot be read",
        "The file is not valid YAML at the place shown. Often a text needs quotes, or the indentation differs\n\
         within a block.",
    ),
    code(
        "syntax::layout-not-kept",
        "a file whose layout `piton fmt` cannot change",
        "What `piton fmt` wrote did not say the same as the file, so the file was left as it was. That is a fault of Piton:\n\
         please report it, with the file or the lines at the place that is named.",
    ),
    code(
        "syntax::line-end",
        "a carriage return in the middle of a line",
        "Lines end with LF or CRLF. A carriage return alone makes a line that editors do not show.",
    ),
    code(
        "syntax::missing-block",
        "a block without its braces",
        "`step`, `gate`, `param`, `secret`, `check` and `runbook` are followed by a name and a block:\n\
         `step fetch { … }`.",
    ),
    code(
        "syntax::missing-comma",
        "a comma is missing",
        "The values of a list and the arguments of a call are separated by commas: `[a, b]`, `rewind(\"a\", times = 2)`.",
    ),
    code(
        "syntax::missing-name",
        "a block without a name",
        "Steps, gates, checks, parameters and secrets are referred to by name: `step fetch { … }`.",
    ),
    code(
        "syntax::missing-sign",
        "`=` is missing",
        "A value is set with `name = value`, on one line.",
    ),
    code(
        "syntax::missing-value",
        "a value is missing",
        "After `name =` the value stands on the same line; a list, a block or a `\"\"\"` text begins there and may go on\n\
         over many lines.",
    ),
    code(
        "syntax::needs-quotes",
        "a YAML text that needs quotes",
        "In YAML a text needs quotes when it has `: ` or ` #` in it, or begins with one of\n\
         `` & * ! | > ' \" % @ ` { } [ ] , ? - ``.",
    ),
    code(
        "syntax::no-runbook",
        "the file holds no runbook",
        "A `.runbook` file is one block, `runbook NAME { … }`. A YAML file begins with `runbook: NAME`.",
    ),
    code(
        "syntax::no-single-name",
        "a runbook without a name that both syntaxes can say",
        "In a `.runbook` file the name stands before the braces: `runbook NAME { … }`. In YAML it is `runbook: NAME`, a single\n\
         word. A file without it can be formatted, and not converted.",
    ),
    code(
        "syntax::not-a-map",
        "a YAML file that holds no map",
        "A runbook in YAML is a map of keys and values, and begins with `runbook: NAME`. A list or a single value at the top\n\
         has no layout of ours, and is no runbook.",
    ),
    code(
        "syntax::not-utf8",
        "the file is not UTF-8 text",
        "Runbooks are UTF-8. The report names the first byte that is not. `iconv -f LATIN1 -t UTF-8 FILE` converts\n\
         a file from a common older encoding.",
    ),
    code(
        "syntax::outside-runbook",
        "something stands outside the runbook block",
        "Everything but comments stands between the braces of `runbook NAME { … }`.",
    ),
    code(
        "syntax::second-document",
        "a second document in a YAML file",
        "A line `---` begins a new YAML document. A file holds one runbook, so move the second to a file of its own.",
    ),
    code(
        "syntax::second-runbook",
        "a second runbook in a file",
        "A file holds one runbook. Move the second to a file of its own.",
    ),
    code(
        "syntax::stray-brace",
        "a closing bracket that closes nothing",
        "There is one `}` more than there are `{`. The report goes by the indentation: it shows the brace that\n\
         stands where no block ends, if there is one.",
    ),
    code(
        "syntax::tab",
        "a tab in the indentation of a YAML file",
        "YAML allows only spaces for indentation.",
    ),
    code(
        "syntax::tag",
        "a YAML tag",
        "Tags such as `!!str` say what type a value has; in a runbook the key says it. Remove the tag. A text that\n\
         begins with `!`, such as an expression, needs quotes.",
    ),
    code(
        "syntax::too-deep",
        "brackets nest too deep",
        "Blocks, lists and indentation may nest 64 levels; a runbook needs about eight. Usually many brackets are\n\
         never closed, or the file is no runbook.",
    ),
    code(
        "syntax::too-large",
        "the file is too large",
        "A runbook may have 16 MiB and a million values. Keep data in files of its own and give their paths.",
    ),
    code(
        "syntax::too-many-errors",
        "not all errors are shown",
        "The first 100 errors of a file are reported. Correct them and check again.",
    ),
    code(
        "syntax::unclosed",
        "a bracket that is never closed",
        "The report points at the opening bracket. Where the indentation shows which block lacks its `}`,\n\
         it points at that one, and at the `}` that closed it in its place.",
    ),
    code(
        "syntax::unclosed-comment",
        "a comment that is never closed",
        "A comment that begins with `/*` ends with `*/`. One that begins with `#` or `//` ends with its line.",
    ),
    code(
        "syntax::unclosed-text",
        "a text that is never closed",
        "A text in double quotes ends on its line. A text of several lines stands between `\"\"\"` and `\"\"\"`, or after\n\
         `|` in YAML.",
    ),
    code(
        "syntax::unexpected",
        "something that fits nowhere",
        "A block holds `name = value` and blocks `name { … }`; in YAML, `key: value`. A comment begins with `#`.",
    ),
    code(
        "syntax::unsayable",
        "something that the other syntax cannot say",
        "`piton convert` found that what stands at this place would come out as something else. Most often `piton check` has\n\
         something to say about the same place: correct that first.",
    ),
    code(
        "syntax::wrong-sign",
        "a value set with another sign than `=`",
        "In a `.runbook` file a value is set with `name = value`; `name: value` is how YAML writes it.",
    ),
];
