//! How each fault strikes.

use super::fault::Fault;
use super::round::Round;
use super::world::Kept;
use crate::support::{kill, until};
use std::path::PathBuf;
use std::time::Duration;

impl Round<'_> {
    pub(super) fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::Engine => self.kill_engine(),
            Fault::Keeper => self.kill_keepers(),
            Fault::Both if self.chance.below(2) == 0 => {
                self.kill_engine();
                self.kill_keepers();
            }
            Fault::Both => {
                self.kill_keepers();
                self.kill_engine();
            }
            Fault::Pause => {
                self.signal_engine("STOP");
                self.pause(300);
                self.signal_engine("CONT");
            }
            Fault::PastLease => self.stop_past_lease(),
            Fault::Full => self.fill_disk(),
            Fault::ReadOnly => self.forbid_writing(),
            Fault::Away => self.take_store_away(),
            Fault::Clock => self.step_clock(),
            Fault::Server => self.crash_server(),
            Fault::Connections => self.cut_connections(),
        }
    }

    fn pause(&mut self, at_most: u64) {
        std::thread::sleep(Duration::from_millis(self.chance.below(at_most)));
    }

    fn kill_keepers(&mut self) {
        let keepers = self.world.place.keepers();
        keepers.into_iter().for_each(|pid| kill(pid, "KILL"));
    }

    fn signal_engine(&mut self, signal: &str) {
        if let Some(engine) = &self.engine {
            kill(engine.id(), signal);
        }
    }

    fn fence(&self) -> Option<u64> {
        let table = match self.world.kept {
            Kept::Sqlite => "lease",
            Kept::Postgres(_) => "progress",
        };
        let rows = self.world.ask(&format!("select fence from {table}"))?;
        rows.first()?.parse().ok()
    }

    fn stop_past_lease(&mut self) {
        let before = self.fence();
        self.signal_engine("STOP");
        let Some(stopped) = self.engine.take() else {
            return;
        };
        let run = self.world.run();
        let words: Vec<&str> = match self.serves() {
            true => vec!["serve"],
            false => vec!["resume", &run],
        };
        let mut second = self.world.engine(&words);
        // One that comes too early is told who drives the run, and tries again. It may be over by now, too.
        until("another engine takes the run over", || {
            if self.fence() > before || self.is_over() {
                return true;
            }
            if second.try_wait().expect("a child").is_some() {
                std::thread::sleep(Duration::from_millis(50));
                second = self.world.engine(&words);
            }
            false
        });
        self.engine = Some(second);
        self.pause(200);
        kill(stopped.id(), "CONT");
        self.outrun.push(stopped);
    }

    fn fill_disk(&mut self) {
        let Some(disk) = &self.world.disk else { return };
        disk.fill();
        self.excused = true;
        self.pause(400);
        if self.chance.below(3) == 0 {
            self.kill_engine();
        }
        if let Some(disk) = &self.world.disk {
            disk.make_room();
        }
    }

    fn forbid_writing(&mut self) {
        self.kill_engine();
        self.kill_keepers();
        let Some(disk) = &self.world.disk else { return };
        until("nobody writes any more", || disk.remount("ro"));
        self.resumes_in_vain();
        if let Some(disk) = &self.world.disk {
            assert!(disk.remount("rw"), "it can be written again");
        }
    }

    /// Whoever types `resume` now is told that it cannot be done.
    fn resumes_in_vain(&mut self) {
        let run = self.world.run();
        let ended = self.world.command(&["resume", &run]);
        if ended.code != Some(1) && ended.code != Some(2) {
            self.broken(&format!("resumed without a store: {ended:?}"));
        }
    }

    fn take_store_away(&mut self) {
        self.kill_engine();
        let store = self.world.store_file();
        let files = |end: &str| {
            ["", "-wal", "-shm"].map(|part| {
                let mut name = store.clone().into_os_string();
                name.push(end);
                name.push(part);
                PathBuf::from(name)
            })
        };
        let pairs = || files("").into_iter().zip(files(".away"));
        for (here, away) in pairs().filter(|(here, _)| here.exists()) {
            std::fs::rename(here, away).expect("our file");
        }
        self.resumes_in_vain();
        for (here, away) in pairs() {
            let _made_meanwhile = std::fs::remove_file(&here);
            if away.exists() {
                std::fs::rename(away, here).expect("our file");
            }
        }
    }

    fn step_clock(&mut self) {
        if let Some(wall) = &self.world.wall {
            let seconds = [3600, -3600, 0].map(i64::from);
            let at = usize::try_from(self.chance.below(3)).unwrap_or(0);
            wall.step(seconds[at]);
        }
        if self.chance.below(2) == 0 {
            self.kill_engine();
        }
    }

    fn crash_server(&mut self) {
        let Kept::Postgres(cluster) = self.world.kept else {
            return;
        };
        cluster.crash();
        if self.chance.below(3) == 0 {
            self.kill_engine();
        }
        self.pause(300);
        cluster.start();
    }

    fn cut_connections(&mut self) {
        let Kept::Postgres(cluster) = self.world.kept else {
            return;
        };
        let sql = format!(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{}'",
            self.world.database
        );
        cluster.psql("postgres", &sql);
    }
}
