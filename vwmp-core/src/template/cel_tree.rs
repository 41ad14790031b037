//! The syntax tree of a CEL expression: what it reads is taken out, what can't be right is refused.

use std::cmp::Ordering;

use cel::ParseErrors;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators,
};

use super::cel_budget::weigh_parts;
use super::expression::Fault;
use super::path::{self, Reference, Segment};
use super::scope::Namespace;
use crate::diagnostic::nearest;

/// The variables that stand for `succeeded()` and `failed()`. An author can't write a name with an `@`.
pub(super) const SUCCEEDED: &str = "@succeeded";
pub(super) const FAILED: &str = "@failed";
/// The function around whatever a macro goes through: gives a map's keys in order.
pub(super) const ITEMS: &str = "@items";

/// Macros inside macros: each level multiplies the running time by the length of a list.
const MAX_DEPTH: usize = 2;

/// How high a tree may be: it is evaluated by recursion.
const MAX_HEIGHT: usize = 64;

/// A path that was replaced by a variable.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) variable: String,
    /// Which of the references it is.
    pub(super) reference: usize,
    /// Whether only its presence is asked for: `has(config.a)`.
    pub(super) test: bool,
}

/// What was taken out of a tree.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) references: Vec<Reference>,
    pub(super) lookups: Vec<Lookup>,
    pub(super) uses_status_function: bool,
}

/// Replaces every path in the tree by a variable.
///
/// # Errors
/// All unknown names and functions, and macros that are nested too deep.
pub(super) fn take_paths(tree: &mut IdedExpr, text: &str, info: &SourceInfo) -> Result<Paths, Vec<Fault>> {
    let mut walk = Walk {
        text,
        info,
        bound: Vec::new(),
        depth: 0,
        height: 0,
        paths: Paths::default(),
        faults: Vec::new(),
    };
    walk.visit(tree);
    walk.paths.mark_optional();
    if walk.faults.is_empty() { Ok(walk.paths) } else { Err(walk.faults) }
}

/// The first of CEL's syntax errors, in the user's words.
pub(super) fn syntax_fault(text: &str, errors: &ParseErrors) -> Fault {
    if let Some(at) = text.find("??") {
        return Fault::invalid("`??` can stand only at the end of the whole expression".into(), at..at + 2)
            .help("inside, write `has(config.a) ? config.a : 1`");
    }
    let Some(first) = errors.errors.first() else {
        return Fault::invalid("it is not an expression".into(), 0..text.len());
    };
    if first.msg.contains("Recursion limit") {
        return Fault::costly(
            "an expression can be nested about 96 levels deep at most".into(),
            0..text.len(),
        )
        .help("split it over several config values");
    }
    let at = offset_of_position(text, first.pos);
    let end = text[at..].chars().next().map_or(text.len(), |char| at + char.len_utf8());
    let fault = Fault::invalid(syntax_message(&first.msg), at..end);
    if text.contains("$<") {
        return fault.help("inside an expression names stand without `$<…>`: `config.a`");
    }
    if text.contains(" and ") || text.contains(" or ") || text.starts_with("not ") {
        return fault.help("write `&&`, `||` and `!` for and, or and not");
    }
    fault
}

/// Without the name of the parser's rule and the list of all tokens that could stand there.
fn syntax_message(message: &str) -> String {
    let message = message.trim_start_matches("Syntax error: ");
    let found = [
        "mismatched input ",
        "extraneous input ",
        "no viable alternative at input ",
        "token recognition error at: ",
    ]
    .iter()
    .find_map(|start| message.strip_prefix(start));
    let Some(found) = found.map(|rest| rest.split(" expecting ").next().unwrap_or(rest)) else {
        return format!("it is not an expression: {message}");
    };
    match found.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(found) {
        "<EOF>" => "the expression ends too early".into(),
        found => format!("`{found}` is not expected here"),
    }
}

/// The byte of a line and column, which both count from 1.
fn offset_of_position(text: &str, (line, column): (isize, isize)) -> usize {
    let line_at = text.split_inclusive('\n').take((line - 1).max(0) as usize).map(str::len).sum::<usize>();
    let rest = &text[line_at..];
    let column = (column - 1).max(0) as usize;
    line_at + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

struct Walk<'t> {
    text: &'t str,
    info: &'t SourceInfo,
    /// The variables of the macros around.
    bound: Vec<String>,
    depth: usize,
    /// How many nodes are around.
    height: usize,
    paths: Paths,
    faults: Vec<Fault>,
}

/// A chain of names and literal indexes.
struct Chain<'e> {
    root: &'e str,
    id: u64,
    path: Vec<Segment>,
    test: bool,
}

impl Paths {
    /// What `has()` asks for, and what lies below it, may be absent.
    fn mark_optional(&mut self) {
        let tested = self.lookups.iter().filter(|one| one.test).map(|one| &self.references[one.reference]);
        let tested: Vec<_> = tested.map(|one| (one.namespace, one.path.clone())).collect();
        for reference in &mut self.references {
            reference.optional = tested.iter().any(|(namespace, path)| {
                *namespace == reference.namespace && reference.path.starts_with(path)
            });
        }
    }
}

impl Walk<'_> {
    fn visit(&mut self, expr: &mut IdedExpr) {
        self.height += 1;
        match self.height.cmp(&MAX_HEIGHT) {
            Ordering::Less => self.visit_node(expr),
            Ordering::Equal => {
                let message =
                    format!("more than {MAX_HEIGHT} operations stand inside of one another or in a row");
                let fault = Fault::costly(message, 0..self.text.len());
                self.faults.push(fault.help("split it over several config values"));
            }
            Ordering::Greater => {}
        }
        self.height -= 1;
    }

    fn visit_node(&mut self, expr: &mut IdedExpr) {
        if let Some(variable) = self.variable_for(expr) {
            expr.expr = Expr::Ident(variable);
            return;
        }
        let at = self.offset(expr.id);
        match &mut expr.expr {
            Expr::Ident(name) => {
                let name = name.clone();
                self.check_name(&name, at);
            }
            Expr::Select(select) => self.visit(&mut select.operand),
            Expr::Call(call) => {
                if let Some(replaced) = self.call(call, at) {
                    expr.expr = replaced;
                }
            }
            Expr::List(list) => list.elements.iter_mut().for_each(|one| self.visit(one)),
            Expr::Map(map) => {
                for entry in &mut map.entries {
                    match &mut entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            self.visit(&mut entry.key);
                            self.visit(&mut entry.value);
                        }
                        EntryExpr::StructField(field) => self.visit(&mut field.value),
                    }
                }
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, at),
            Expr::Struct(message) => {
                let message = format!("there is no type `{}`", message.type_name);
                self.fault(message, at, 1);
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    /// The variable that replaces a whole path.
    fn variable_for(&mut self, expr: &IdedExpr) -> Option<String> {
        let chain = chain(expr)?;
        if self.bound.iter().any(|name| name == chain.root) {
            return None;
        }
        let namespace = Namespace::named(chain.root)?;
        let start = self.offset(chain.id);
        let range = start..start + path::len_in_cel(&self.text[start..], chain.path.len());
        if chain.path.is_empty() && !namespace.is_value() {
            self.faults.push(Fault::unnamed(namespace, range));
            return None;
        }
        let paths = &mut self.paths;
        let known =
            paths.references.iter().position(|one| one.namespace == namespace && one.path == chain.path);
        let reference = known.unwrap_or_else(|| {
            paths.references.push(Reference { namespace, path: chain.path, range, optional: false });
            paths.references.len() - 1
        });
        let known = paths.lookups.iter().find(|one| one.reference == reference && one.test == chain.test);
        if let Some(known) = known {
            return Some(known.variable.clone());
        }
        let variable = format!("@{}", paths.lookups.len());
        paths.lookups.push(Lookup { variable: variable.clone(), reference, test: chain.test });
        Some(variable)
    }

    /// Visits a call; gives what replaces it, if it asks for the status of the needs.
    fn call(&mut self, call: &mut CallExpr, at: usize) -> Option<Expr> {
        let status = match call.func_name.as_str() {
            "succeeded" => Some(Expr::Ident(SUCCEEDED.into())),
            "failed" => Some(Expr::Ident(FAILED.into())),
            "always" => Some(Expr::Literal(LiteralValue::Boolean(true.into()))),
            name => {
                if call.target.is_none() || !name.starts_with('@') {
                    self.check_function(name, at);
                }
                None
            }
        };
        if status.is_some() {
            if call.target.is_some() || !call.args.is_empty() {
                let message = format!("`{}()` takes no argument", call.func_name);
                self.fault(message, at, 1);
            }
            self.paths.uses_status_function = true;
            return status;
        }
        if let Some(target) = &mut call.target {
            self.visit(target);
        }
        call.args.iter_mut().for_each(|one| self.visit(one));
        weigh_parts(call);
        None
    }

    fn comprehension(&mut self, one: &mut ComprehensionExpr, at: usize) {
        self.visit(&mut one.iter_range);
        let range = std::mem::take(&mut one.iter_range);
        one.iter_range.id = range.id;
        one.iter_range.expr =
            Expr::Call(CallExpr { func_name: ITEMS.into(), target: None, args: vec![range] });
        self.visit(&mut one.accu_init);
        let before = self.bound.len();
        self.bound.extend([one.iter_var.clone(), one.accu_var.clone()]);
        self.bound.extend(one.iter_var2.clone());
        self.depth += 1;
        if self.depth == MAX_DEPTH + 1 {
            let message = format!("macros such as `map` can be nested {MAX_DEPTH} deep at most");
            self.faults.push(Fault::costly(message, at..at + 1));
        }
        self.visit(&mut one.loop_cond);
        self.visit(&mut one.loop_step);
        self.depth -= 1;
        self.visit(&mut one.result);
        self.bound.truncate(before);
    }

    fn check_name(&mut self, name: &str, at: usize) {
        let known =
            self.bound.iter().any(|one| one == name) || TYPES.contains(&name) || name.starts_with('@');
        // A namespace that may not stand alone has been refused already.
        if known || Namespace::named(name).is_some() {
            return;
        }
        let fault = Fault::unknown_namespace(name, at..at + name.len());
        self.faults.push(match self.hyphenated(at) {
            Some((before, name)) => Fault { help: Vec::new(), ..fault }
                .help(format!("if `{name}` is one name, write `{before}['{name}']`")),
            None => fault,
        });
    }

    /// The name with hyphens that a name at `at` is probably a part of, and what stands before it.
    fn hyphenated(&self, at: usize) -> Option<(&str, &str)> {
        let inside = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-');
        let start = self.text[..at].rfind(|char| !inside(char)).map(|dot| dot + 1)?;
        let end = self.text[at..].find(|char| !inside(char)).map_or(self.text.len(), |len| at + len);
        let name = &self.text[start..end];
        let before = self.text[..start].strip_suffix('.')?;
        let begin = before.rfind(|char: char| !(inside(char) || char == '.')).map_or(0, |space| space + 1);
        (start < at && name.contains('-')).then_some((&before[begin..], name))
    }

    fn check_function(&mut self, name: &str, at: usize) {
        if FUNCTIONS.contains(&name) || name.starts_with(['_', '@', '!', '-']) {
            return;
        }
        let start = self.text[..at].rfind(name).filter(|start| start + name.len() == at).unwrap_or(at);
        let fault = Fault::invalid(format!("`{name}` is not a known function"), start..at + 1);
        self.faults.push(
            match nearest(name, FUNCTIONS.into_iter().chain(["succeeded", "failed", "always"])) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault,
            },
        );
    }

    fn fault(&mut self, message: String, at: usize, len: usize) {
        self.faults.push(Fault::invalid(message, at..at + len));
    }

    /// The byte where a node was written.
    fn offset(&self, id: u64) -> usize {
        let at = self.info.offset_for(id).map_or(0, |(start, _)| start as usize);
        if self.text.is_char_boundary(at) { at } else { 0 }
    }
}

/// Reads a node as a chain, if it is one.
fn chain(mut expr: &IdedExpr) -> Option<Chain<'_>> {
    let (mut path, mut test) = (Vec::new(), false);
    loop {
        expr = match &expr.expr {
            Expr::Ident(name) => {
                path.reverse();
                return Some(Chain { root: name, id: expr.id, path, test });
            }
            // Only the end of a path can be asked for.
            Expr::Select(select) if !select.test || path.is_empty() => {
                test |= select.test;
                path.push(Segment::Key(select.field.as_str().into()));
                &select.operand
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let [operand, index] = call.args.as_slice() else { return None };
                path.push(match &index.expr {
                    Expr::Literal(LiteralValue::String(key)) => Segment::Key(key.inner().into()),
                    Expr::Literal(LiteralValue::Int(index)) => {
                        Segment::Index(usize::try_from(*index.inner()).ok()?)
                    }
                    _ => return None,
                });
                operand
            }
            _ => return None,
        };
    }
}

const TYPES: [&str; 10] =
    ["bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "uint"];

pub(super) const FUNCTIONS: [&str; 25] = [
    "bool",
    "bytes",
    "charAt",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "format",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "replace",
    "reverse",
    "size",
    "split",
    "startsWith",
    "string",
    "substring",
    "trim",
    "type",
    "uint",
    "upperAscii",
];
