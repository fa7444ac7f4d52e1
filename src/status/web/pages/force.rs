//! The form by which people ask for builds, made of a force scheduler's parameters.

use super::Answer;
use crate::config::{Force, Parameter, ParameterKind, Scheduler};
use crate::schedulers::{ForceRequest, force};
use crate::status::web::actions::Refused;
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::forms::{self, Fields};
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the form shows: what was sent, or the defaults; what is wrong, by field.
#[derive(Default)]
struct Filled {
    sent: Option<Fields>,
    wrong: BTreeMap<String, String>,
}

fn find<'a>(
    view: &'a View,
    scheduler: &str,
    builder: Option<&str>,
) -> Result<(&'a Scheduler, &'a Force), Fault> {
    let missing = || Fault::no("force scheduler", format!("{scheduler:?}"));
    let found = force::scheduler(&view.config, scheduler).map_err(|_| missing())?;
    let serves = |builder: &str| found.0.builders.iter().any(|one| one == builder);
    if builder.is_some_and(|builder| !serves(builder)) { Err(missing()) } else { Ok(found) }
}

/// `/schedulers/NAME/force`: for all, or some, of the scheduler's builders.
pub(in crate::status::web) async fn of_scheduler(view: View, Path(name): Path<String>) -> Answer {
    show(&view, &name, None, &Filled::default())
}

/// `/builders/NAME/force/SCHEDULER`: for this builder.
pub(in crate::status::web) async fn of_builder(
    view: View,
    Path((builder, name)): Path<(String, String)>,
) -> Answer {
    show(&view, &name, Some(&builder), &Filled::default())
}

/// The same, sent.
pub(in crate::status::web) async fn send_to_scheduler(
    State(app): State<App>,
    view: View,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Fault> {
    send(&app, &view, name, None, request).await
}

/// The same, sent.
pub(in crate::status::web) async fn send_to_builder(
    State(app): State<App>,
    view: View,
    Path((builder, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Fault> {
    send(&app, &view, name, Some(builder), request).await
}

async fn send(
    app: &App,
    view: &View,
    name: String,
    builder: Option<String>,
    request: Request,
) -> Result<Response, Fault> {
    let sent = forms::read(request).await?;
    find(view, &name, builder.as_deref())?;
    let builders = match &builder {
        Some(builder) => vec![builder.clone()],
        None => sent.get("builder").cloned().unwrap_or_default(),
    };
    let fields = sent.iter().filter(|(field, _)| *field != "builder").map(|(field, values)| {
        let value = match values.as_slice() {
            [one] => Value::from(one.as_str()),
            many => Value::from(many.to_vec()),
        };
        (field.clone(), value)
    });
    let wish =
        ForceRequest { scheduler: name.clone(), builders, owner: String::new(), fields: fields.collect() };
    match app.act(move |actions| actions.force(wish)).await? {
        Ok(buildset) => super::doing::to_request_of(app, view, buildset).await,
        Err(Refused::Fields(wrong)) => {
            let page = show(view, &name, builder.as_deref(), &Filled { sent: Some(sent), wrong })?;
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
        Err(refused) => Err(refused.into()),
    }
}

fn show(view: &View, name: &str, builder: Option<&str>, filled: &Filled) -> Answer {
    let (scheduler, form) = find(view, name, builder)?;
    let body = render(view, scheduler, form, builder, filled);
    let title = match builder {
        Some(builder) => format!("{} · {builder}", form.label),
        None => form.label.clone(),
    };
    Ok(page(
        view,
        Page { title, place: if builder.is_some() { "builders" } else { "schedulers" }, events: None, body },
    ))
}

fn render(
    view: &View,
    scheduler: &Scheduler,
    form: &Force,
    builder: Option<&str>,
    filled: &Filled,
) -> Markup {
    let standard =
        [&form.reason, &form.username, &form.branch, &form.revision, &form.repository, &form.project];
    let all: Vec<&Parameter> = standard.into_iter().chain(&form.parameters).collect();
    // What is wrong and has no field of its own to stand at.
    let elsewhere = filled
        .wrong
        .iter()
        .filter(|(field, _)| !all.iter().any(|parameter| is_shown(parameter) && parameter.name == **field));
    html! {
        nav.crumbs aria-label="Where this is" {
            @match builder {
                Some(builder) => { a href=(view.to([&"builders"])) { "Builders" } a href=(view.builder(builder)) { (builder) } }
                None => a href=(view.to([&"schedulers"])) { "Schedulers" }
            }
        }
        h1 { (form.label) }
        @if !filled.wrong.is_empty() {
            div.wrong role="alert" {
                p { "Nothing was started: " (crate::status::web::words::count(filled.wrong.len(), "field")) " must be put right." }
                ul { @for (field, what) in elsewhere { li { (field) ": " (what) } } }
            }
        }
        form.force method="post" {
            @if builder.is_none() { (builder_choice(scheduler, filled)) }
            @for parameter in all.into_iter().filter(|parameter| is_shown(parameter)) { (field(parameter, filled)) }
            p.buttons { button.primary { (form.button_name) } }
        }
    }
}

fn is_shown(parameter: &Parameter) -> bool {
    !parameter.hide && parameter.kind != ParameterKind::Fixed
}

fn builder_choice(scheduler: &Scheduler, filled: &Filled) -> Markup {
    let is_chosen = |builder: &String| {
        filled.sent.as_ref().is_none_or(|sent| sent.get("builder").is_some_and(|sent| sent.contains(builder)))
    };
    html! {
        fieldset {
            legend { "Builders" }
            @for builder in &scheduler.builders {
                label.tick { input type="checkbox" name="builder" value=(builder) checked[is_chosen(builder)]; " " (builder) }
            }
        }
    }
}

/// What a field holds now, as texts: what was sent, else the default.
fn values(parameter: &Parameter, filled: &Filled) -> Vec<String> {
    if let Some(sent) = &filled.sent {
        return sent.get(&parameter.name).cloned().unwrap_or_default();
    }
    match &parameter.default {
        Value::Array(many) => many.iter().map(crate::model::Properties::render).collect(),
        one => vec![crate::model::Properties::render(one)],
    }
}

fn field(parameter: &Parameter, filled: &Filled) -> Markup {
    let values = values(parameter, filled);
    let value = values.first().map_or("", String::as_str);
    let (name, id) = (&parameter.name, format!("field-{}", parameter.name));
    let wrong = filled.wrong.get(name);
    let wrong_id = wrong.map(|_| format!("wrong-{name}"));
    let title = (!parameter.tooltip.is_empty()).then_some(parameter.tooltip.as_str());
    let text = |size: u32, kind: &str| {
        html! {
            input id=(id) name=(name) type=(kind) size=(size.clamp(22, 60)) value=(value) title=[title] required[parameter.required]
                maxlength=[parameter.max_size] aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong_id.as_ref()];
        }
    };
    html! {
        div.field.is-wrong[wrong.is_some()].wide[matches!(parameter.kind, ParameterKind::Text { .. })] {
            @if parameter.kind != ParameterKind::Bool {
                label for=(id) { (parameter.label) @if parameter.required { span.must title="must be filled in" { " *" } } }
            }
            @match &parameter.kind {
                ParameterKind::String { size } => (text(*size, "text")),
                ParameterKind::UserName { size, .. } => (text(*size, "text")),
                ParameterKind::Int { size } => (text(*size, "number")),
                ParameterKind::Text { cols, rows } => {
                    textarea id=(id) name=(name) cols=((*cols).clamp(10, 100)) rows=((*rows).clamp(2, 8)) title=[title]
                        required[parameter.required] aria-describedby=[wrong_id.as_ref()] { (value) }
                }
                ParameterKind::Bool => {
                    label.tick { input id=(id) type="checkbox" name=(name) value="true" checked[value == "true"] title=[title]; " " (parameter.label) }
                }
                ParameterKind::Choice { choices, multiple, strict } => {
                    @if *strict || *multiple {
                        select id=(id) name=(name) multiple[*multiple] title=[title] aria-describedby=[wrong_id.as_ref()] {
                            @for choice in choices { option selected[values.contains(choice)] { (choice) } }
                        }
                    } @else {
                        input id=(id) name=(name) value=(value) list={ (id) "-list" } title=[title];
                        datalist id={ (id) "-list" } { @for choice in choices { option value=(choice) {} } }
                    }
                }
                ParameterKind::Fixed => {}
            }
            @if !parameter.tooltip.is_empty() { p.tip { (parameter.tooltip) } }
            @if let Some(what) = wrong { p.what-wrong id=[wrong_id] { (what) } }
        }
    }
}
