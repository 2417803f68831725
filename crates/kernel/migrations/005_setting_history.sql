-- Every change of a configuration, by whom, with what was set before and after: secrets sealed in both, as in the setting.

create table setting_history (
    plugin_id       text   not null,
    organization_id bigint not null,
    number          bigint not null,
    at              text   not null,
    actor_kind      text   not null,
    actor           text   not null,
    impersonator    text,
    address         text,
    request         text   not null,
    undoes          bigint,
    before          text   not null,
    after           text   not null,
    primary key (plugin_id, organization_id, number)
);
