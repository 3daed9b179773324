//! Recursive descent over the tokens of a `$filter`, bounded in depth.
use super::ast::{Expr, Filter, Func, Op, Value};
use super::lexer::{Token, tokens};
use super::prop::{Kind, Prop, Set};

/// Nesting beyond this is refused (OData's own default is 100 nodes deep).
const MAX_DEPTH: usize = 64;
/// Terms beyond this are refused.
const MAX_TERMS: usize = 200;

/// Parses `text`; the error is the message Graph would send.
pub(in crate::sim::graph) fn parse_filter(text: &str) -> Result<Filter, String> {
    let mut parser =
        Parser { tokens: tokens(text)?, at: 0, depth: 0, terms: 0, paths: Vec::new(), lambda: None };
    let expr = parser.or()?;
    if parser.peek().is_some() {
        return Err(format!("Syntax error at position {} in '{text}'.", parser.at));
    }
    Ok(Filter { expr, paths: parser.paths })
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    terms: usize,
    paths: Vec<String>,
    lambda: Option<(String, Set)>,
}

/// The left side of a term: a property, or a literal written first.
enum Side {
    Prop(Prop),
    Literal(Value),
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w == word);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), String> {
        if self.next().as_ref() == Some(token) {
            return Ok(());
        }
        Err(format!("Syntax error: {} expected at token {}.", shown(token), self.at))
    }

    fn or(&mut self) -> Result<Expr, String> {
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut left = self.unary()?;
        while self.keyword("and") {
            left = Expr::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        self.terms += 1;
        if self.depth > MAX_DEPTH || self.terms > MAX_TERMS {
            return Err(
                "The query specified in the URI is too complex: the node count limit is exceeded.".to_owned()
            );
        }
        let expr = if self.keyword("not") {
            Expr::Not(Box::new(self.unary()?))
        } else if self.peek() == Some(&Token::Open) {
            self.at += 1;
            let inner = self.or()?;
            self.expect(&Token::Close)?;
            inner
        } else {
            self.term()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn term(&mut self) -> Result<Expr, String> {
        if let Some(func) = self.function() {
            return self.call(func);
        }
        let left = match self.next() {
            Some(Token::Word(word)) if word == "true" || word == "false" => {
                Side::Literal(Value::Bool(word == "true"))
            }
            Some(Token::Word(word)) if word == "null" => Side::Literal(Value::Null),
            Some(Token::Word(word)) => return self.path_term(word),
            Some(token) => Side::Literal(literal(token)?),
            None => return Err("An expression was expected at the end of the query.".to_owned()),
        };
        let op = self.operator()?;
        let prop = match self.next() {
            Some(Token::Word(word)) => self.property(word)?,
            _ => return Err("A property was expected in a comparison.".to_owned()),
        };
        let (Side::Prop(prop), Side::Literal(value)) = (prop, left) else {
            return Err("A comparison needs one property and one literal.".to_owned());
        };
        Ok(Expr::Compare(prop, turned(op), typed(prop, value)?))
    }

    fn path_term(&mut self, first: String) -> Result<Expr, String> {
        let path = self.path(first)?;
        for (suffix, all) in [("/any", false), ("/all", true)] {
            if let Some(set) = path.strip_suffix(suffix) {
                return self.lambda(set, all);
            }
        }
        let prop = self.resolve(&path)?;
        let Some(Token::Word(word)) = self.peek() else {
            return bare(prop, &path);
        };
        if word == "and" || word == "or" {
            return bare(prop, &path);
        }
        let op = self.operator()?;
        let value = match self.next() {
            Some(token) => literal(token)?,
            None => return Err("A literal was expected at the end of the query.".to_owned()),
        };
        Ok(Expr::Compare(prop, op, typed(prop, value)?))
    }

    fn function(&mut self) -> Option<Func> {
        if self.tokens.get(self.at + 1) != Some(&Token::Open) {
            return None;
        }
        let func = match self.peek() {
            Some(Token::Word(w)) if w == "contains" => Func::Contains,
            Some(Token::Word(w)) if w == "startswith" => Func::StartsWith,
            Some(Token::Word(w)) if w == "endswith" => Func::EndsWith,
            _ => return None,
        };
        self.at += 2;
        Some(func)
    }

    fn call(&mut self, func: Func) -> Result<Expr, String> {
        let Some(Token::Word(first)) = self.next() else {
            return Err("A property was expected as the first argument of the function.".to_owned());
        };
        let path = self.path(first)?;
        let prop = self.resolve(&path)?;
        self.expect(&Token::Comma)?;
        let Some(Token::Text(text)) = self.next() else {
            return Err("No function signature for the given arguments was found.".to_owned());
        };
        self.expect(&Token::Close)?;
        if prop.kind() != Kind::Text {
            return Err(format!("No function signature takes the property '{path}'."));
        }
        Ok(Expr::Call(func, prop, text.to_lowercase()))
    }

    fn lambda(&mut self, path: &str, all: bool) -> Result<Expr, String> {
        let Some(set) = Set::of_path(path) else {
            return Err(format!(
                "Could not find a collection named '{path}' on type 'microsoft.graph.message'."
            ));
        };
        if self.lambda.is_some() {
            return Err("Nested lambda operators are not supported.".to_owned());
        }
        self.paths.push(path.to_owned());
        self.expect(&Token::Open)?;
        if !all && self.peek() == Some(&Token::Close) {
            self.at += 1;
            return Ok(Expr::Any(set, None));
        }
        let Some(Token::Word(variable)) = self.next() else {
            return Err("A range variable was expected.".to_owned());
        };
        self.expect(&Token::Colon)?;
        self.lambda = Some((variable, set));
        let inner = Box::new(self.or()?);
        self.lambda = None;
        self.expect(&Token::Close)?;
        Ok(if all { Expr::All(set, inner) } else { Expr::Any(set, Some(inner)) })
    }

    fn operator(&mut self) -> Result<Op, String> {
        let Some(Token::Word(word)) = self.next() else {
            return Err("An operator was expected.".to_owned());
        };
        Ok(match word.as_str() {
            "eq" => Op::Eq,
            "ne" => Op::Ne,
            "gt" => Op::Gt,
            "ge" => Op::Ge,
            "lt" => Op::Lt,
            "le" => Op::Le,
            _ => return Err(format!("Syntax error: '{word}' is not an operator.")),
        })
    }

    fn path(&mut self, first: String) -> Result<String, String> {
        let mut path = first;
        while self.peek() == Some(&Token::Slash) {
            self.at += 1;
            let Some(Token::Word(next)) = self.next() else {
                return Err("A property name was expected after '/'.".to_owned());
            };
            path.push('/');
            path.push_str(&next);
        }
        Ok(path)
    }

    fn property(&mut self, first: String) -> Result<Side, String> {
        let path = self.path(first)?;
        self.resolve(&path).map(Side::Prop)
    }

    fn resolve(&mut self, path: &str) -> Result<Prop, String> {
        if let Some((variable, set)) = &self.lambda
            && let Some(rest) = path.strip_prefix(variable.as_str())
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return Prop::of_each(*set, rest.trim_start_matches('/'))
                .ok_or_else(|| format!("The path '{path}' is not valid inside this lambda."));
        }
        let prop = Prop::of_path(path).ok_or_else(|| {
            format!("Could not find a property named '{path}' on type 'microsoft.graph.message'.")
        })?;
        if !self.paths.iter().any(|p| p == path) {
            self.paths.push(path.to_owned());
        }
        Ok(prop)
    }
}

fn bare(prop: Prop, path: &str) -> Result<Expr, String> {
    if prop.kind() == Kind::Bool {
        return Ok(Expr::Compare(prop, Op::Eq, Value::Bool(true)));
    }
    Err(format!("The property '{path}' cannot stand alone in a filter."))
}

fn literal(token: Token) -> Result<Value, String> {
    Ok(match token {
        Token::Text(text) | Token::Guid(text) => Value::Text(text.to_lowercase()),
        Token::Date(date) => Value::Date(date),
        Token::Number(n) => Value::Text(n.to_string()),
        Token::Word(w) if w == "true" || w == "false" => Value::Bool(w == "true"),
        Token::Word(w) if w == "null" => Value::Null,
        Token::Word(w) => return Err(format!("'{w}' is not a literal.")),
        other @ (Token::Open | Token::Close | Token::Comma | Token::Slash | Token::Colon) => {
            return Err(format!("A literal was expected, not {}.", shown(&other)));
        }
    })
}

/// Checks a literal against its property's type (Exchange refuses a quoted date, for one).
fn typed(prop: Prop, value: Value) -> Result<Value, String> {
    let fits = match (prop.kind(), &value) {
        (_, Value::Null)
        | (Kind::Text, Value::Text(_))
        | (Kind::Date, Value::Date(_))
        | (Kind::Bool, Value::Bool(_)) => true,
        (Kind::Choice(words), Value::Text(text)) => words.contains(&text.as_str()),
        (
            Kind::Text | Kind::Date | Kind::Bool | Kind::Choice(_),
            Value::Text(_) | Value::Date(_) | Value::Bool(_),
        ) => false,
    };
    if fits {
        return Ok(value);
    }
    Err("A binary operator with incompatible types was detected.".to_owned())
}

fn turned(op: Op) -> Op {
    match op {
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Eq | Op::Ne => op,
    }
}

fn shown(token: &Token) -> &'static str {
    match token {
        Token::Open => "'('",
        Token::Close => "')'",
        Token::Comma => "','",
        Token::Slash => "'/'",
        Token::Colon => "':'",
        Token::Word(_) | Token::Text(_) | Token::Number(_) | Token::Date(_) | Token::Guid(_) => "a word",
    }
}
