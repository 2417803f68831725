drop table stray_media;
drop table clip_text;
drop table clip;
