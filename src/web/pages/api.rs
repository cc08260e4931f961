//! What the API can do, for who writes a program.
use serde::Serialize;

use super::rendering::{Head, render};
use crate::messages::{self, Language};

/// All calls, and the shapes of what they are sent and answer.
#[derive(Debug, Clone, Serialize)]
pub struct ApiPage {
    pub version: String,
    pub calls: Vec<ApiCall>,
    pub shapes: Vec<ApiShape>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ApiCall {
    pub anchor: String,
    pub method: String,
    pub path: String,
    pub summary: String,
    pub text: String,
    pub parameters: Vec<ApiField>,
    /// The name of a shape.
    pub body: Option<String>,
    pub answers: Vec<ApiAnswer>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ApiField {
    pub name: String,
    pub kind: String,
    pub required: bool,
    pub text: String,
    pub shape: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ApiAnswer {
    pub status: String,
    pub text: String,
    pub shape: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ApiShape {
    pub name: String,
    pub text: String,
    pub fields: Vec<ApiField>,
}

impl ApiPage {
    pub fn render(&self, language: Language) -> String {
        let title = messages::text(language, "api-title");
        render(language, "api", &Head { layout: "text", ..Head::note(&title) }, self)
    }
}
