-- What is known about a visitor, and who is to answer.

ALTER TABLE conversation ADD COLUMN language TEXT;    -- as the browser asks for it
ALTER TABLE conversation ADD COLUMN contact TEXT;     -- e-mail address or phone number that the visitor left
ALTER TABLE conversation ADD COLUMN department TEXT;  -- NULL: everybody answers
