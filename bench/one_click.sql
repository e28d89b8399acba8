-- The limit of the one-click unsubscribe: the same two writes in one transaction, nothing else.
\set n random(1, 100000)
\set t random(1, 5)
BEGIN;
UPDATE consent_preference SET state = 'withdrawn', paused_until = NULL, version = version + 1, source = 'one_click', since = now() WHERE person_id = ('01900000-0000-7000-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid AND topic_id = ('01900000-0000-7000-9000-' || lpad(:t::text, 12, '0'))::uuid RETURNING version \gset
INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state, undone, source, actor, reason, language, wording_version, mailing, at, received_at, salt) VALUES (('01900000-0000-7000-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid, ('01900000-0000-7000-9000-' || lpad(:t::text, 12, '0'))::uuid, :version::int, 'granted', 'withdrawn', false, 'one_click', 'self', '', '', 1, 7, now(), now(), uuid_send(gen_random_uuid()));
COMMIT;
