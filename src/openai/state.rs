//! What the front holds: settings, bounds, and the ways to the rest of the program.

use super::idempotency::Kept;
use super::running::Running;
use crate::domain::cipher::Cipher;
use crate::domain::clock::SharedClock;
use crate::domain::resource::Resources;
use crate::edge::{Edge, EdgeSettings};
use crate::oauth::bearer::BearerGuard;
use crate::ports::language_model::LanguageModel;
use crate::ports::store::Store;
use crate::tools::dispatch::Dispatcher;
use crate::tools::keepsakes::Keepsakes;
use std::sync::Arc;
use std::time::Duration;

/// Bounds of the front.
#[derive(Clone, Debug)]
pub(crate) struct OpenAiSettings {
    /// Largest request body in bytes.
    pub(crate) max_body: usize,
    /// Time for a body to arrive.
    pub(crate) body_timeout: Duration,
    /// Pause between comments on a silent stream.
    pub(crate) heartbeat: Duration,
    /// How long the form of a streamed answer may stay undecided: a failure within it has a status of its own.
    pub(crate) patience: Duration,
    /// Most requests of a user that run at once, per process.
    pub(crate) max_running_per_user: usize,
    pub(crate) edge: EdgeSettings,
}

/// Bounds of a language model's work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelLimits {
    /// Steps in which the model calls tools.
    pub(crate) steps: usize,
    /// Time for the whole answer.
    pub(crate) time: Duration,
    /// Tokens of a user in a day, in and out together; 0: without bound.
    pub(crate) tokens_per_day: u64,
    /// It may also run tools that change or remove things without asking.
    pub(crate) destructive_tools: bool,
}

/// The front's state, one per replica.
pub(crate) struct OpenAiState {
    pub(super) dispatcher: Dispatcher,
    pub(super) guard: Arc<BearerGuard>,
    pub(super) edge: Edge,
    pub(super) clock: SharedClock,
    pub(super) settings: OpenAiSettings,
    pub(super) model: Option<Arc<dyn LanguageModel>>,
    pub(super) limits: ModelLimits,
    pub(super) keepsakes: Keepsakes,
    pub(super) kept: Kept,
    pub(super) running: Running,
    /// Seconds since 1970 when this process began to serve: `created` of its models.
    pub(super) since: i64,
}

/// The ways out of the front.
pub(crate) struct OpenAiParts {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) guard: Arc<BearerGuard>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) resources: Arc<Resources>,
    pub(crate) clock: SharedClock,
    pub(crate) cipher: Cipher,
    pub(crate) keepsakes: Keepsakes,
    pub(crate) model: Option<Arc<dyn LanguageModel>>,
    pub(crate) limits: ModelLimits,
}

impl OpenAiState {
    pub(crate) fn new(parts: OpenAiParts, settings: OpenAiSettings) -> Self {
        Self {
            edge: Edge::new(parts.resources.issuer(), &settings.edge),
            since: parts.clock.now().as_secs(),
            kept: Kept::new(parts.store, parts.cipher),
            running: Running::new(settings.max_running_per_user),
            dispatcher: parts.dispatcher,
            guard: parts.guard,
            clock: parts.clock,
            model: parts.model,
            limits: parts.limits,
            keepsakes: parts.keepsakes,
            settings,
        }
    }
}
