//! Panels that a person takes part in: `insert_info` and `insert_default_value`.

use super::{ALIASES, Desk};
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, typed};
use crate::services::people::addresses;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Kind of the record.
const KIND: &str = crate::tools::keepsakes::IACS_PANELS;
/// Panels and chairs of one person.
const MAX_PANELS: usize = 200;
const MAX_NAME: usize = 60;

/// A chair of a panel.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Panel {
    /// In lower case.
    pub(super) name: String,
    /// Mail address, in lower case.
    pub(super) chair: String,
    /// Who takes part for the own organisation.
    pub(super) member: String,
}

/// What is kept of one person.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Panels {
    pub(super) panels: Vec<Panel>,
    pub(super) default_panel: Option<String>,
}

impl Panels {
    /// The panel of a call, and its chairs.
    pub(super) fn chosen(&self, named: Option<&str>) -> Result<(String, Vec<&Panel>), ToolError> {
        let known = || {
            let mut names: Vec<&str> = self.panels.iter().map(|panel| panel.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            names.join(", ")
        };
        let Some(name) = named.map(str::to_lowercase).or_else(|| self.default_panel.clone()) else {
            let text = format!(
                "`panel_name` is needed, as no usual panel is set (insert_default_value). Known: {}.",
                known()
            );
            return Err(ToolError::invalid("panel_name", text));
        };
        let chairs: Vec<&Panel> = self.panels.iter().filter(|panel| panel.name == name).collect();
        if chairs.is_empty() {
            let text = format!(
                "No chair of `panel_name` \"{name}\" is known: note one with insert_info. Known: {}.",
                known()
            );
            return Err(ToolError::invalid("panel_name", text));
        }
        Ok((name, chairs))
    }
}

/// The person's panels.
pub(super) async fn of(desk: &Desk, context: &CallContext) -> Result<Panels, ToolError> {
    desk.deps.keepsakes.load(&context.caller.user, KIND).await
}

fn name(text: &str) -> Result<String, ToolError> {
    let name = text.trim().to_lowercase();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let text = format!("`panel_name` takes 1 to {MAX_NAME} characters.");
        return Err(ToolError::invalid("panel_name", text));
    }
    Ok(name)
}

fn saved(text: String, structured: &Value, warnings: &[String]) -> Result<ToolOutput, ToolError> {
    output(|| with_notes(text, warnings, None), structured, OutputFormat::Text)
}

/// `insert_info`.
pub(super) struct InsertInfo {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Info {
    chair_address: String,
    panel_name: String,
    kr_panel_member: String,
}

impl InsertInfo {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: "insert_info",
            title: "Note a Panel",
            description: "Note who chairs a panel and who takes part in it. A panel may have several chairs; the same chair \
                          again replaces what was noted.",
            input_schema: json!({"type": "object", "properties": {
                "chair_address": text("Mail address of the chair"),
                "panel_name": text("Name of the panel, e.g. sdtp"),
                "kr_panel_member": text("Who takes part: a name or mail address"),
            }, "required": ["chair_address", "panel_name", "kr_panel_member"]}),
            output_schema: json!({"type": "object", "properties": {
                "panel_name": {"type": "string"}, "chair_address": {"type": "string"},
                "kr_panel_member": {"type": "string"}, "panels": {"type": "integer"},
            }, "required": ["panel_name", "chair_address", "panels"]}),
            annotations: Annotations { read_only: false, ..Annotations::READ },
            scopes: &[],
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for InsertInfo {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let info: Info = typed(&args)?;
        let chair = addresses("chair_address", &[info.chair_address])?.remove(0).to_lowercase();
        let member = crate::services::answer::line(&info.kr_panel_member);
        let panel = Panel {
            name: name(&info.panel_name)?,
            chair,
            member: member.chars().take(MAX_NAME * 4).collect(),
        };
        let change = |all: &mut Panels| {
            let same = |known: &Panel| known.name == panel.name && known.chair == panel.chair;
            all.panels.retain(|known| !same(known));
            if all.panels.len() >= MAX_PANELS {
                return None;
            }
            all.panels.push(panel.clone());
            Some(all.panels.len())
        };
        let Some(count) = self.desk.deps.keepsakes.change(&context.caller.user, KIND, change).await? else {
            let text = format!("`panel_name`: {MAX_PANELS} panels are kept for one person, and no more.");
            return Err(ToolError::invalid("panel_name", text));
        };
        let text = format!("{} is noted as chair of {}.\n", panel.chair, panel.name);
        let structured = json!({
            "panel_name": panel.name, "chair_address": panel.chair, "kr_panel_member": panel.member, "panels": count,
        });
        saved(text, &structured, &warnings)
    }
}

/// `insert_default_value`.
pub(super) struct InsertDefaultValue {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Usual {
    panel_name: String,
}

impl InsertDefaultValue {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "insert_default_value",
            title: "Set the Usual Panel",
            description: "Set the panel that is meant when a search names none.",
            input_schema: json!({"type": "object", "properties": {
                "panel_name": {"type": "string", "description": "A panel noted with insert_info"},
            }, "required": ["panel_name"]}),
            output_schema: json!({"type": "object", "properties": {"panel_name": {"type": "string"}},
                "required": ["panel_name"]}),
            annotations: Annotations { read_only: false, ..Annotations::READ },
            scopes: &[],
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for InsertDefaultValue {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let usual: Usual = typed(&args)?;
        let name = name(&usual.panel_name)?;
        of(&self.desk, context).await?.chosen(Some(&name))?;
        let change = |all: &mut Panels| all.default_panel = Some(name.clone());
        self.desk.deps.keepsakes.change(&context.caller.user, KIND, change).await?;
        saved(format!("{name} is the usual panel now.\n"), &json!({ "panel_name": name }), &warnings)
    }
}
