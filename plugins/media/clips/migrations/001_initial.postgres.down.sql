drop table stray_media;
drop table clip;
