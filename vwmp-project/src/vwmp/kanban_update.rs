//! `vwmp.kanban_update`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Board, CardMove};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo,
    register,
};

use crate::document::kept::{keep, to_take_back};

/// Moves cards from one column of the Kanban board to another, and notes the version on them.
///
/// Without `cards`, all cards of the column are moved. Cards that are in the target column already
/// stay as they are, so that doing it twice changes nothing more. Fails where a column is missing,
/// or a card is in neither column.
///
/// Undoing it restores the board to the byte, and refuses when it has been changed since.
///
/// ```yaml
/// - id: board
///   handler: vwmp.kanban_update
///   config:
///     from: Ready for release
///     to: Released
///     version: $<step-outputs.bump.new_version>
///     link: docs/changelog/$<step-outputs.bump.new_version>.md
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KanbanUpdate {
    /// The column that cards leave.
    from: String,
    /// The column that they go to.
    to: String,
    /// The cards to move, by id; all of the column where none are given.
    #[serde(default)]
    cards: Vec<String>,
    /// The version that brings what the cards asked for.
    #[serde(default)]
    version: Option<String>,
    /// What the version links to in the note, such as the path of its changelog entry or a URL.
    #[serde(default)]
    link: Option<String>,
}

/// What was moved.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Moved {
    /// The ids of the cards.
    cards: Vec<String>,
}

impl StepHandler for KanbanUpdate {
    const NAME: &'static str = "vwmp.kanban_update";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Moved;

    fn metadata() -> Metadata {
        Metadata { title: "Update the Kanban Board", category: "Project", icon: "▦" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Board>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if self.from == self.to {
            let message = format!("`from` and `to` are the same column, `{}`", self.from);
            findings.error("vwmp::same-column", Place::Config("/to".into()), message);
        }
        if self.link.is_some() && self.version.is_none() {
            let message = "a `link` needs a `version` that it is put on";
            findings.error("vwmp::link", Place::Config("/link".into()), message);
        }
        for (key, text) in [("version", &self.version), ("link", &self.link)] {
            if text.as_ref().is_some_and(|text| text.contains(['\n', '\r'])) {
                let message = format!("`{key}` has more than one line");
                findings.error("vwmp::note", Place::Config(format!("/{key}")), message);
            }
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Moved, StepError> {
        let board = ctx.require::<dyn Board>()?;
        let request = self.request(&*board).await?;
        keep(ctx, board.preview_move(&request, &[]).await?).await?;
        board.move_cards(&request).await?;
        ctx.log().info(format!("moved {} to {}", listed(&request.ids), self.to));
        Ok(Moved { cards: request.ids })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Moved>, StepError> {
        let board = ctx.require::<dyn Board>()?;
        let request = self.request(&*board).await?;
        let mut preview = Preview::new(format!("moves {} to {}", listed(&request.ids), self.to));
        preview.changes = board.preview_move(&request, ctx.planned()).await?;
        Ok(preview.output(Moved { cards: request.ids }))
    }
}

impl Undo for KanbanUpdate {
    async fn undo(&self, output: Option<&Moved>, ctx: &StepContext) -> Result<(), StepError> {
        let board = ctx.require::<dyn Board>()?;
        for changes in to_take_back(output.is_some_and(|moved| !moved.cards.is_empty()), ctx).await? {
            board.take_back(&changes).await?;
        }
        Ok(())
    }
}

register!(step KanbanUpdate: undo);

impl KanbanUpdate {
    async fn request(&self, board: &dyn Board) -> Result<CardMove, StepError> {
        let leaving: Vec<String> = ids(board, &self.from).await?;
        let there = ids(board, &self.to).await?;
        let wanted = if self.cards.is_empty() { leaving.clone() } else { self.cards.clone() };
        if let Some(stray) = wanted.iter().find(|id| !leaving.contains(id) && !there.contains(id)) {
            return Err(StepError::permanent(format!(
                "the card `{stray}` is neither in `{}` nor in `{}`",
                self.from, self.to
            )));
        }
        let ids = wanted.into_iter().filter(|id| !there.contains(id)).collect();
        let note = self.version.as_ref().map(|version| match &self.link {
            Some(link) => format!("Released in [{version}]({link})"),
            None => format!("Released in {version}"),
        });
        Ok(CardMove { ids, column: self.to.clone(), note })
    }
}

async fn ids(board: &dyn Board, column: &str) -> Result<Vec<String>, StepError> {
    Ok(board.cards(column).await?.into_iter().map(|card| card.id).collect())
}

fn listed(ids: &[String]) -> String {
    if ids.is_empty() { "no card".to_owned() } else { ids.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_interfaces::Change;
    use vwmp_testkit::{TestRun, execute, preview, undo};

    use super::*;
    use crate::kanban::Kanban;

    const BOARD: &str = "## Ready\n\n- [KB-1] Faster\n- [KB-2] Safer\n\n## Released\n\n- [KB-0] Born\n";

    async fn run() -> TestRun {
        let run = TestRun::new();
        run.write("KANBAN.md", BOARD);
        run.connected::<Kanban>(json!({})).await.unwrap()
    }

    #[tokio::test]
    async fn cards_move_as_previewed_and_only_once() {
        let run = run().await;
        let ctx = run.context("board");
        let config = json!({ "from": "Ready", "to": "Released", "version": "1.1.0" });
        let seen = preview::<KanbanUpdate>(config.clone(), &ctx).await.unwrap();
        assert_eq!(run.read("KANBAN.md"), BOARD);
        let output = execute::<KanbanUpdate>(config.clone(), &ctx).await.unwrap();
        assert_eq!(output, json!({ "cards": ["KB-1", "KB-2"] }));
        let after = run.read("KANBAN.md");
        assert_eq!(
            after,
            "## Ready\n\n\n## Released\n\n- [KB-0] Born\n- [KB-1] Faster\n  Released in 1.1.0\n- [KB-2] Safer\n  \
             Released in 1.1.0\n"
        );
        let change =
            Change::File { path: "KANBAN.md".into(), before: Some(BOARD.into()), after: Some(after.clone()) };
        assert_eq!((seen.changes, seen.output), (vec![change], Some(output)));
        let again = execute::<KanbanUpdate>(config, &ctx).await.unwrap();
        assert_eq!((again, run.read("KANBAN.md")), (json!({ "cards": [] }), after));
        assert_eq!(run.log(), ["info: moved KB-1, KB-2 to Released", "info: moved no card to Released"]);
    }

    #[tokio::test]
    async fn the_version_is_linked() {
        let run = run().await;
        let config = json!({
            "from": "Ready", "to": "Released", "cards": ["KB-2"], "version": "1.1.0", "link": "docs/1.1.0.md",
        });
        execute::<KanbanUpdate>(config, &run.context("board")).await.unwrap();
        assert!(run.read("KANBAN.md").ends_with("- [KB-2] Safer\n  Released in [1.1.0](docs/1.1.0.md)\n"));
    }

    #[tokio::test]
    async fn what_is_wrong_is_said() {
        let run = run().await;
        let ctx = run.context("board");
        for (config, message) in [
            (
                json!({ "from": "Ready", "to": "Gone" }),
                "the board `KANBAN.md` has no column `Gone`; it has Ready, Released",
            ),
            (
                json!({ "from": "Ready", "to": "Released", "cards": ["KB-9"] }),
                "the card `KB-9` is neither in `Ready` nor in `Released`",
            ),
            (
                json!({ "from": "Ready", "to": "Released", "link": "x" }),
                "config of vwmp.kanban_update: a `link` needs a `version` that it is put on",
            ),
            (
                json!({ "from": "Ready", "to": "Ready" }),
                "config of vwmp.kanban_update: `from` and `to` are the same column, `Ready`",
            ),
        ] {
            assert_eq!(execute::<KanbanUpdate>(config, &ctx).await.unwrap_err().message(), message);
        }
        run.remove("KANBAN.md");
        let error = execute::<KanbanUpdate>(json!({ "from": "a", "to": "b" }), &ctx).await.unwrap_err();
        assert_eq!(
            error.message(),
            "there is no board `KANBAN.md`; create it with a `## Heading` for each column, or set `file` in \
             the adapter's config"
        );
    }

    #[tokio::test]
    async fn the_board_is_taken_back_to_the_byte() {
        let run = run().await;
        let board = format!("\u{feff}# Board\n\n{BOARD}").replace('\n', "\r\n");
        run.write("KANBAN.md", &board);
        let (ctx, config) =
            (run.context("board"), json!({ "from": "Ready", "to": "Released", "version": "1.1.0" }));
        run.end_after_keeping(1);
        execute::<KanbanUpdate>(config.clone(), &ctx).await.unwrap_err();
        undo::<KanbanUpdate>(config.clone(), None, &ctx).await.unwrap();
        let output = execute::<KanbanUpdate>(config.clone(), &ctx).await.unwrap();
        let moved = run.read("KANBAN.md");
        assert_ne!(moved, board);
        for output in [Some(output), None] {
            undo::<KanbanUpdate>(config.clone(), output, &ctx).await.unwrap();
            assert_eq!(run.read("KANBAN.md"), board);
        }
        run.write("KANBAN.md", format!("{moved}- [KB-9] new\n"));
        let error = undo::<KanbanUpdate>(config, None, &ctx).await.unwrap_err();
        assert_eq!(error.message(), "can't restore the board `KANBAN.md`: it has been changed since");
        assert!(run.read("KANBAN.md").contains("KB-9"));
    }
}
