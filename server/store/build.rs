//! Lets cargo notice a new migration, which a macro reads.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
