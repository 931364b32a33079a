// Names of files after accessions, which may hold anything.
#pragma once

#include <string>

namespace pillar {

// What a file name cannot carry ("/", "\", "%", control characters, a leading dot) as %XX.
std::string file_stem(const std::string& accession);
// The accession that file_stem() made `stem` of. Names that it did not make stay as they are.
std::string accession_of(const std::string& stem);

}  // namespace pillar
