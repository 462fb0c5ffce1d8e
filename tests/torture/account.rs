//! What came of the rounds, added up.

use std::collections::BTreeMap;
use std::fmt;

/// What is counted: of one round, or of all.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Rounds, by where their runs are kept.
    pub rounds: BTreeMap<&'static str, usize>,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<&'static str, usize>,
    /// Faults that struck while an attempt was between its beginning and its end.
    pub inside: usize,
    /// Attempts that began to have an effect.
    pub attempts: usize,
    /// Effects that came twice, and nobody had said that they may.
    pub twice: usize,
    /// Effects that never came, and records that were in the journal once and are not any more.
    pub lost: usize,
    /// Questions about attempts of which nobody knows how they ended.
    pub asked: usize,
    /// Those of rounds in which no keeper was killed and no disk was full.
    pub asked_without_need: usize,
    /// Processes of steps that were alive when their run was over.
    pub orphans: usize,
    /// What else did not hold, in words.
    pub broken: Vec<String>,
}

impl Account {
    pub fn add(&mut self, other: Account) {
        let sum = |into: &mut BTreeMap<&'static str, usize>, from: BTreeMap<_, _>| {
            for (kind, count) in from {
                *into.entry(kind).or_default() += count;
            }
        };
        sum(&mut self.rounds, other.rounds);
        sum(&mut self.faults, other.faults);
        self.inside += other.inside;
        self.attempts += other.attempts;
        self.twice += other.twice;
        self.lost += other.lost;
        self.asked += other.asked;
        self.asked_without_need += other.asked_without_need;
        self.orphans += other.orphans;
        self.broken.extend(other.broken);
    }

    /// How many faults struck.
    pub fn struck(&self) -> usize {
        self.faults.values().sum()
    }

    /// Whether all promises held.
    pub fn is_clean(&self) -> bool {
        let counted = self.twice + self.lost + self.asked_without_need + self.orphans;
        counted == 0 && self.broken.is_empty()
    }
}

fn list(counts: &BTreeMap<&'static str, usize>) -> String {
    let parts: Vec<_> = counts
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    parts.join(", ")
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds: usize = self.rounds.values().sum();
        writeln!(f, "torture: {rounds} rounds ({})", list(&self.rounds))?;
        writeln!(f, "  faults               {}", self.struck())?;
        for (kind, count) in &self.faults {
            writeln!(f, "    {count:>5} {kind}")?;
        }
        let share = self.inside * 100 / self.struck().max(1);
        writeln!(f, "  inside an attempt    {} ({share} %)", self.inside)?;
        writeln!(f, "  attempts             {}", self.attempts)?;
        writeln!(f, "  executed twice       {}", self.twice)?;
        writeln!(f, "  lost                 {}", self.lost)?;
        writeln!(
            f,
            "  asked                {}, {} of them although keeper and disk were well",
            self.asked, self.asked_without_need
        )?;
        writeln!(f, "  orphans              {}", self.orphans)?;
        self.broken
            .iter()
            .try_for_each(|line| writeln!(f, "  broken: {line}"))
    }
}
