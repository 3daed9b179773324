//! `check_common_ports`: which usual ports of a host are open.

use super::{ANNOTATIONS, Desk, Look, fault, host_schema};
use crate::services::args::typed;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Args, Tool, ToolSpec};
use async_trait::async_trait;
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const PORTS: [u16; 6] = [22, 80, 443, 3000, 5000, 8000];

/// The tool.
pub(super) struct CheckCommonPorts {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    host: String,
    #[serde(default = "one_second")]
    timeout_sec: u64,
}

fn one_second() -> u64 {
    1
}

impl CheckCommonPorts {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let state = json!({"type": "string", "enum": ["open", "closed"]});
        let states: Map<String, Value> = PORTS.iter().map(|port| (port.to_string(), state.clone())).collect();
        let spec = ToolSpec {
            name: "check_common_ports",
            title: "Check Common Ports",
            description: "Tell which of the TCP ports 22, 80, 443, 3000, 5000 and 8000 of a host on the public \
                          internet accept a connection. A port that does not answer in time counts as closed.",
            input_schema: json!({"type": "object", "properties": {
                "host": host_schema(),
                "timeout_sec": {"type": "integer", "minimum": 1, "maximum": 3, "description": "Seconds to wait for each port; 1 unless given"},
            }, "required": ["host"]}),
            output_schema: json!({"type": "object", "properties": states}),
            annotations: ANNOTATIONS,
            scopes: &[],
            aliases: &[],
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for CheckCommonPorts {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let wish: Wish = typed(&args)?;
        let Look { host, address, _turn } = self.desk.begin(context, &wish.host).await?;
        let limit = Duration::from_secs(wish.timeout_sec);
        let looks = PORTS.map(|port| self.desk.probe.is_open(SocketAddr::new(address, port), limit));
        let open = try_join_all(looks).await.map_err(|error| fault(&error, &wish.host))?;
        let mut text = format!("Ports of {host} ({address})\n");
        let mut states = Map::new();
        for (port, open) in PORTS.iter().zip(open) {
            let state = if open { "open" } else { "closed" };
            let _ = writeln!(text, "- {port}: {state}");
            states.insert(port.to_string(), Value::from(state));
        }
        ToolOutput::new(text, &states).map_err(ToolError::internal)
    }
}
