//! How the engine is set up: alike for what compiles and for what runs.

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::Error;

/// The stack of a guest's calls, beyond which a recursion ends.
const STACK: usize = 1 << 20;

/// Elements of one table: interpreters need some ten thousand.
const TABLE_ELEMENTS: usize = 50_000;

/// What decides what a compiled form looks like.
fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // The component model's own asynchrony triples the price of a call; every function of the contract is synchronous.
        .concurrency_support(false)
        .max_wasm_stack(STACK)
        .async_stack_size(2 * STACK)
        .wasm_memory64(false);
    config
}

/// An engine that compiles and runs nothing.
pub(crate) fn for_compiling() -> Result<Engine, Error> {
    engine(&config())
}

/// An engine that runs at most so many instances at the same time.
pub(crate) fn for_running(instances: u32) -> Result<Engine, Error> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        // A component brings its runtime's adapters along as modules of their own; few have more than one memory.
        .total_core_instances(instances.saturating_mul(4))
        .total_tables(instances.saturating_mul(4))
        .total_memories(instances.saturating_mul(2))
        .max_memories_per_component(4)
        .max_core_instances_per_component(40)
        .max_tables_per_component(40)
        .table_elements(TABLE_ELEMENTS);
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    engine(&config)
}

fn engine(config: &Config) -> Result<Engine, Error> {
    Engine::new(config).map_err(|error| Error::Engine(format!("{error:#}")))
}
