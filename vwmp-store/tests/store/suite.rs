//! The suite that every place which keeps runs has to pass.

use std::sync::Arc;

use vwmp_core::run::{Event, Locks};
use vwmp_interfaces::BoxFuture;
use vwmp_store::{OwnedRun, Store};
use vwmp_testkit::durability::{self, KeepsRuns, Kept};

use crate::new_run;

struct Disk(Store);

fn kept(run: &OwnedRun, so_far: &[Event]) -> Kept {
    // The journal keeps the run this process's.
    Kept { journal: run.journal(so_far), log: run.log(), keepsakes: run.keepsakes() }
}

impl KeepsRuns for Disk {
    fn begin<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Kept> {
        let run = self.0.create(&new_run(run)).unwrap();
        Box::pin(std::future::ready(kept(&run, &[])))
    }

    fn go_on<'a>(&'a self, run: &'a str, so_far: &'a [Event]) -> BoxFuture<'a, Kept> {
        let run = self.0.take(run).unwrap();
        Box::pin(std::future::ready(kept(&run, so_far)))
    }

    fn events<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Vec<Event>> {
        let (events, damage) = self.0.events(run, 0).unwrap();
        assert!(damage.is_none(), "{damage:?}");
        Box::pin(std::future::ready(events))
    }

    fn locks(&self) -> Arc<dyn Locks> {
        self.0.locks()
    }
}

#[tokio::test]
async fn the_disk_keeps_runs() {
    let folder = tempfile::tempdir().unwrap();
    durability::check(&Disk(Store::open(folder.path()).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_so_on_several_threads() {
    let folder = tempfile::tempdir().unwrap();
    durability::check(&Disk(Store::open(folder.path()).unwrap())).await;
}
