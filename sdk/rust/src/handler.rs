//! Functions as handlers.

use std::sync::Arc;

use switchboard_api::{BoxFuture, Failure, Operation, Request, Response};

use crate::{Context, answer::IntoAnswer, extract::FromRequest, name};

/// A function that answers requests: `async fn(…) -> impl IntoAnswer`, each argument [`FromRequest`].
///
/// `Arguments` only tells functions of different arguments apart.
///
/// ```
/// use switchboard_sdk::{extract::Headers, prelude::*};
///
/// async fn count(ctx: Context, headers: Headers, Path(id): Path<i64>) -> Result<Json<i64>> {
///     Ok(Json(id))
/// }
/// # let _ = Definition::new("").get("/{id}", count);
/// ```
///
/// An argument that nothing says how to take from a request is refused when the plugin is built:
///
/// ```compile_fail,E0277
/// # use switchboard_sdk::prelude::*;
/// async fn count(id: i64) -> Result<Json<i64>> {
///     Ok(Json(id))
/// }
/// # let _ = Definition::new("").get("/{id}", count);
/// ```
///
/// So is a result that is no answer, such as a bare value:
///
/// ```compile_fail,E0277
/// # use switchboard_sdk::prelude::*;
/// async fn count(Path(id): Path<i64>) -> Result<i64> {
///     Ok(id)
/// }
/// # let _ = Definition::new("").get("/{id}", count);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    note = "a handler is an async function of up to eight arguments, each `FromRequest` (`Context`, `Path`, `Query`, \
            `Json`, …), that gives `Result<impl IntoAnswer>` (`Json`, `Created`, `NoContent`, `Response`)"
)]
pub trait Handler<Arguments>: Send + Sync + Sized + 'static {
    /// Answers.
    fn call(
        self: &Arc<Self>,
        context: Context,
        request: Request,
    ) -> BoxFuture<'static, Result<Response, Failure>>;

    /// The route's description: what the arguments take and the result gives.
    fn describe(key: String) -> Operation;
}

/// A handler with its arguments forgotten.
pub(crate) type Answering =
    Box<dyn Fn(Context, Request) -> BoxFuture<'static, Result<Response, Failure>> + Send + Sync>;

/// Forgets a handler's arguments.
pub(crate) fn erase<A, H: Handler<A>>(handler: H) -> Answering {
    let handler = Arc::new(handler);
    Box::new(move |context, request| handler.call(context, request))
}

macro_rules! handler {
    ($($argument:ident)*) => {
        impl<F, Fut, R, $($argument),*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: IntoAnswer + Send + 'static,
            $($argument: FromRequest + Send + 'static,)*
        {
            #[allow(non_snake_case, unused_mut, unused_variables)]
            fn call(
                self: &Arc<Self>,
                context: Context,
                mut request: Request,
            ) -> BoxFuture<'static, Result<Response, Failure>> {
                let handler = Arc::clone(self);
                Box::pin(async move {
                    $(let $argument = $argument::from_request(&context, &mut request).await?;)*
                    handler($($argument),*).await.into_answer()
                })
            }

            fn describe(key: String) -> Operation {
                let name = name::of_function::<F>();
                let mut operation = Operation {
                    id: name.unwrap_or_default().to_owned(),
                    summary: name.map(name::sentence).unwrap_or_else(|| key.clone()),
                    key,
                    ..Operation::default()
                };
                $($argument::describe(&mut operation);)*
                R::describe(&mut operation);
                operation
            }
        }
    };
}

handler!();
handler!(A);
handler!(A B);
handler!(A B C);
handler!(A B C D);
handler!(A B C D E);
handler!(A B C D E G);
handler!(A B C D E G H);
handler!(A B C D E G H I);
