//! The form by which people ask for builds, made of a force scheduler's parameters.

use super::Answer;
use crate::config::{Force, Layout, Parameter, ParameterKind, Scheduler};
use crate::schedulers::fields::{self, SourceFields};
use crate::schedulers::form::any_property;
use crate::schedulers::{ForceRequest, force};
use crate::status::web::actions::Refused;
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::forms::{self, Fields};
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the form shows: what was sent, or the defaults; what is wrong, by field.
#[derive(Default)]
struct Filled {
    sent: Option<Fields>,
    /// What the address asks for, by field (`FS-10`).
    preset: Fields,
    wrong: BTreeMap<String, String>,
}

impl Filled {
    /// By the address's `?FIELD=VALUE`, or Buildbot's `?SCHEDULER.FIELD=VALUE`.
    fn preset(scheduler: &str, asked: Vec<(String, String)>) -> Filled {
        let mut preset = Fields::new();
        for (name, value) in asked {
            let field = name.strip_prefix(scheduler).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&name);
            preset.entry(field.to_owned()).or_default().push(value);
        }
        Filled { preset, ..Filled::default() }
    }
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
pub(in crate::status::web) async fn of_scheduler(
    view: View,
    Path(name): Path<String>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Answer {
    show(&view, &name, None, &Filled::preset(&name, asked))
}

/// `/builders/NAME/force/SCHEDULER`: for this builder.
pub(in crate::status::web) async fn of_builder(
    view: View,
    Path((builder, name)): Path<(String, String)>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Answer {
    show(&view, &name, Some(&builder), &Filled::preset(&name, asked))
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
    let sent = forms::read_with_files(request).await?;
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
            let page = show(
                view,
                &name,
                builder.as_deref(),
                &Filled { sent: Some(sent), wrong, ..Filled::default() },
            )?;
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
    let fields = fields::Fields::of(&view.config, scheduler, form);
    let mut shown = Vec::new();
    fields.all().for_each(|parameter| shown_fields(parameter, "", &mut shown));
    // What is wrong and has no field of its own to stand at.
    let elsewhere = filled.wrong.iter().filter(|(field, _)| !shown.iter().any(|(name, _)| name == *field));
    let has_files = shown.iter().any(|(_, parameter)| parameter.kind == ParameterKind::File);
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
        form.force method="post" enctype=[has_files.then_some("multipart/form-data")] {
            @if builder.is_none() { (builder_choice(scheduler, filled)) }
            (part(&fields.reason, "", filled))
            (part(&fields.username, "", filled))
            @for source in &fields.sources { (source_part(source, filled)) }
            @if let Some(priority) = &fields.priority { (part(priority, "", filled)) }
            @for parameter in &fields.own { (part(parameter, "", filled)) }
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

/// The fields that a parameter has on the page, by the names by which they are sent.
fn shown_fields(parameter: &Parameter, group: &str, into: &mut Vec<(String, Parameter)>) {
    let name = parameter.field(group);
    match &parameter.kind {
        _ if !is_shown(parameter) => {}
        ParameterKind::Nested { fields, .. } => {
            fields.iter().for_each(|inner| shown_fields(inner, &name, into));
        }
        ParameterKind::AnyProperty => {
            into.extend(any_property(&name).map(|part| (part.name.clone(), part)));
        }
        _ => into.push((name, parameter.clone())),
    }
}

/// The fields of one source stamp, framed where they are of one codebase of several.
fn source_part(source: &SourceFields, filled: &Filled) -> Markup {
    let inside = html! { @for parameter in source.all() { (part(parameter, "", filled)) } };
    match &source.codebase {
        Some(codebase) => html! { fieldset.group { legend { (codebase.name) } div.inside { (inside) } } },
        None => inside,
    }
}

/// A field or a group of them, with what is in it.
fn part(parameter: &Parameter, group: &str, filled: &Filled) -> Markup {
    let name = parameter.field(group);
    match &parameter.kind {
        _ if !is_shown(parameter) => html! {},
        ParameterKind::AnyProperty => {
            let pair = any_property(&name);
            html! {
                fieldset.group { legend { (parameter.label) }
                    div.inside { @for one in &pair { (field(one, &one.name, filled)) } }
                }
            }
        }
        ParameterKind::Nested { layout, columns, fields } => {
            match layout {
                Layout::Simple => {
                    html! { div.group.inside data-columns=(columns) { @for inner in fields { (part(inner, &name, filled)) } } }
                }
                Layout::Vertical => html! {
                    fieldset.group {
                        @if !parameter.label.is_empty() { legend { (parameter.label) } }
                        div.inside data-columns=(columns) { @for inner in fields { (part(inner, &name, filled)) } }
                    }
                },
                // Without scripts, too: of details with one name, a browser keeps one open.
                Layout::Tabs => html! {
                    div.group { @for (at, inner) in fields.iter().enumerate() { (tab(inner, &name, at == 0, filled)) } }
                },
            }
        }
        _ => field(parameter, &name, filled),
    }
}

fn tab(inner: &Parameter, group: &str, is_first: bool, filled: &Filled) -> Markup {
    let label = if inner.tab_label.is_empty() { &inner.label } else { &inner.tab_label };
    let mut shown = Vec::new();
    shown_fields(inner, group, &mut shown);
    // All that hold something wrong are open.
    let is_wrong = shown.iter().any(|(field, _)| filled.wrong.contains_key(field));
    html! {
        details.tab open[is_first || is_wrong] name=[filled.wrong.is_empty().then(|| format!("tabs-{group}"))] {
            summary { (label) }
            (part(inner, group, filled))
        }
    }
}

/// What a field holds now, as texts: what was sent, else what the address asks for, else the default.
fn values(parameter: &Parameter, name: &str, filled: &Filled) -> Vec<String> {
    if let Some(sent) = &filled.sent {
        return sent.get(name).cloned().unwrap_or_default();
    }
    match (filled.preset.get(name), &parameter.default) {
        (Some(preset), _) => preset.clone(),
        (None, Value::Array(many)) => many.iter().map(crate::model::Properties::render).collect(),
        (None, one) => vec![crate::model::Properties::render(one)],
    }
}

fn field(parameter: &Parameter, name: &str, filled: &Filled) -> Markup {
    let values = values(parameter, name, filled);
    let value = values.first().map_or("", String::as_str);
    let id = format!("field-{name}");
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
        div.field.is-wrong[wrong.is_some()].wide[matches!(parameter.kind, ParameterKind::Text { .. })] data-autopopulate=[autopopulate(parameter)] {
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
                ParameterKind::File => input id=(id) name=(name) type="file" title=[title] required[parameter.required] aria-describedby=[wrong_id.as_ref()];
                // Not shown, groups, or made a choice before.
                ParameterKind::Fixed | ParameterKind::WorkerChoice | ParameterKind::AnyProperty | ParameterKind::Nested { .. } => {}
            }
            @if !parameter.tooltip.is_empty() { p.tip { (parameter.tooltip) } }
            @if let Some(what) = wrong { p.what-wrong id=[wrong_id] { (what) } }
        }
    }
}

/// What the page's script sets other fields to, as JSON.
fn autopopulate(parameter: &Parameter) -> Option<String> {
    let others = &parameter.autopopulate;
    if others.is_empty() { None } else { Some(serde_json::json!(others).to_string()) }
}
