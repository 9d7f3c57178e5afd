//! A Python object arrives as a Rust struct, is changed, and goes back as the Python object.
//!
//!     cargo run --example copyreg
//!
//! With python3 on the machine, a real Python makes the object and reads the answer. Without, the pickle that Python 3.13
//! wrote stands in for it.

use larder::copyreg::{Class, Registry};
use larder::object::Slot;
use larder::pickle::{Pickler, Unpickler};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::Write;
use std::process::{Command, Stdio};

/// The Python side: a class that copyreg.pickle has told pickle how to take apart.
const PYTHON: &str = r#"
import copyreg, pickle, sys, types

class MyClass:
    def __init__(self, name, readings):
        self.name, self.readings = name, readings
    def __repr__(self):
        return f"MyClass({self.name!r}, {self.readings!r})"

pantry = sys.modules["pantry"] = types.ModuleType("pantry")
pantry.MyClass, MyClass.__module__ = MyClass, "pantry"
copyreg.pickle(MyClass, lambda it: (MyClass, (it.name, it.readings)))
"#;

/// pickle.dumps(MyClass("shelf", [20.5, 21.0])) of Python 3.13.
const FROM_PYTHON: &[u8] = b"\x80\x04\x958\x00\x00\x00\x00\x00\x00\x00\x8c\x06pantry\x94\x8c\x07MyClass\x94\x93\x94\
\x8c\x05shelf\x94]\x94(G@4\x80\x00\x00\x00\x00\x00G@5\x00\x00\x00\x00\x00\x00e\x86\x94R\x94.";

#[derive(Debug, Serialize, Deserialize)]
struct MyClass<'a> {
    name: &'a str,
    readings: Vec<f64>,
}

// Three lines: what is not in the table is never built.
static CLASSES: Registry = Registry::new(&[
    Class::reduce("pantry", "MyClass"), //
]);

fn main() -> Result<(), Box<dyn Error>> {
    let made = python("sys.stdout.buffer.write(pickle.dumps(MyClass('shelf', [20.5, 21.0])))", b"");
    let pickle = made.as_deref().unwrap_or(FROM_PYTHON);
    println!("{} wrote {} bytes", if made.is_some() { "Python" } else { "A Python of old" }, pickle.len());

    let mut slots = [Slot::EMPTY; 32];
    let mut mine: MyClass = Unpickler::new().registry(&CLASSES).from_slice(pickle, &mut slots)?;
    println!("here it is   {mine:?}");

    mine.readings[1] += 0.75;
    let mut buf = [0; 128];
    let answer = Pickler::new(&mut buf).registry(&CLASSES).dumps(&mine)?;
    println!("sent back    {} bytes", answer.len());

    match python("print(pickle.load(sys.stdin.buffer))", answer) {
        Some(said) => println!("Python says  {}", String::from_utf8_lossy(&said).trim()),
        None => println!("(no python3 here to read them)"),
    }

    // Any other class is refused, whatever it is.
    let mut slots = [Slot::EMPTY; 32];
    let evil = b"cos\nsystem\n(S'rm -rf /'\ntR.";
    let refused = Unpickler::new().registry(&CLASSES).from_slice::<MyClass>(evil, &mut slots);
    println!("os.system    {}", refused.unwrap_err());
    Ok(())
}

/// What python3 writes when it runs this after the class above; None where there is no python3.
fn python(script: &str, input: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new("python3");
    command.args(["-c", &format!("{PYTHON}\n{script}")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take()?.write_all(input).ok()?;
    let output = child.wait_with_output().ok()?;
    output.status.success().then_some(output.stdout)
}
