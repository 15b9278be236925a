//! `rota admin`: for whoever may read the database and its root key anyway.

use clap::{Args, Subcommand};
use url::Url;

use super::CommandError;
use crate::auth::sign_in;
use crate::composition;
use crate::config::{DatabaseOptions, DatabaseUrl, RootKeyOptions};
use crate::control;

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Print a link that signs one person in once, within 15 minutes
    SignInLink(SignInLinkOptions),
}

#[derive(Args, Debug)]
pub(super) struct SignInLinkOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    root_key: RootKeyOptions,
    /// Whom it signs in: by default the first administrator, who is made when there is no account yet
    #[arg(long)]
    account: Option<String>,
    /// The address people use, where no server is running to ask
    #[arg(long, env = "ROTA_PUBLIC_URL")]
    public_url: Option<Url>,
    /// Where the server will listen, for the link, where no server is running to ask
    #[arg(long, env = "ROTA_LISTEN", default_value = "127.0.0.1:3000")]
    listen: std::net::SocketAddr,
}

pub(super) async fn admin(command: AdminCommand) -> Result<(), CommandError> {
    match command {
        AdminCommand::SignInLink(options) => {
            let link = sign_in_link(&options).await?;
            println!("{link}");
            Ok(())
        }
    }
}

async fn sign_in_link(options: &SignInLinkOptions) -> Result<String, CommandError> {
    let url = options.database.url()?;
    if let Some(file) = url.sqlite_file() {
        if !file.exists() {
            return Err(CommandError::Failed(format!(
                "there is no database at {}; start the server first, or name the database in ROTA_DATABASE_URL",
                file.display()
            )));
        }
        let request = control::Request::SignInLink {
            account: options.account.clone(),
        };
        if let Some(link) = control::ask(&file, &request)
            .await
            .map_err(CommandError::Failed)?
        {
            return Ok(link);
        }
    }
    without_server(options, &url).await
}

/// No server holds the database (or it is PostgreSQL, which many may write): written directly.
async fn without_server(options: &SignInLinkOptions, url: &DatabaseUrl) -> Result<String, CommandError> {
    let parts = composition::compose_services(url, &options.root_key.source(url)?).await?;
    let public_url = match &options.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{}", options.listen)).map_err(CommandError::failed)?,
    };
    let link = sign_in::make_link(&parts.services, options.account.as_deref(), &public_url).await;
    parts.database.close().await;
    Ok(link.map_err(CommandError::failed)?.expose_text().to_owned())
}
