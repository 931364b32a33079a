#include "phantom/vocabulary.h"

namespace pillar::phantom {
namespace {

const Vocabulary kNodule = {{"There is {a} {size} solid nodule in the {side} {site}.",
                             "{A} {size} pulmonary nodule is seen in the {side} {site}.",
                             "{Side} {site}: rounded, slightly lobulated nodule measuring {size}.",
                             "Solitary nodule of the {side} {site}, {size} in longest diameter."},
                            {"{Side} {site} pulmonary nodule, {size}; follow-up CT is recommended.",
                             "Solid {size} nodule of the {side} {site}."},
                            {"No pulmonary nodule.", "No suspicious nodule or mass in either lung.",
                             "The lungs are clear without nodules."},
                            {{"nodule"}}};

const Vocabulary kEffusion = {
    {"There is a {side} pleural effusion with compression of the adjacent lung.",
     "Layering fluid in the {side} pleural space.", "{Side}-sided pleural effusion."},
    {"{Side} pleural effusion.", "Pleural effusion on the {side}."},
    {"No pleural effusion.", "The pleural spaces are free of fluid.", "No effusion on either side."},
    {{"effusion"}, {"pleural", "fluid"}}};

const Vocabulary kCoronary = {
    {"Calcified plaque is present along the {site}, in keeping with coronary artery disease.",
     "Coronary artery calcifications are noted in the {site}.",
     "There is coronary calcification of the {site}."},
    {"Coronary artery calcification.", "Calcified coronary atherosclerosis."},
    {"No coronary artery calcification.", "The coronary arteries are without calcified plaque."},
    {{"coronary"}}};

const Vocabulary kRib = {{"There is a displaced fracture of the {side} {site}.",
                          "Fracture of the {side} {site} with a gap of {size}.",
                          "{Side} {site}: fracture line with surrounding haematoma."},
                         {"Fracture of the {side} {site}.", "{Side} {site} fracture."},
                         {"No rib fracture.", "The ribs are intact, without fracture."},
                         {{"rib", "fracture"}}};

const Vocabulary kHepatic = {
    {"There is {a} {size} {dark} lesion in the {site}.",
     "A focal {dark} liver lesion in the {site} measures {size}.",
     "Liver: round {dark} focus in the {site}, {size}."},
    {"{size} focal liver lesion in the {site}; ultrasound or MR may help to characterise it.",
     "Indeterminate focal lesion of the {site} ({size})."},
    {"No focal liver lesion.", "The liver is normal in size and contour without focal lesions.",
     "No hepatic mass."},
    {{"lesion"}, {"liver", "focus"}}};

const Vocabulary kCardiomegaly = {
    {"The heart is enlarged.", "Cardiomegaly is present.",
     "There is enlargement of the heart, the cardiothoracic ratio exceeds 0.5."},
    {"Cardiomegaly.", "Enlarged heart."},
    {"Heart size is normal.", "No cardiomegaly.", "The heart is not enlarged."},
    {{"cardiomegaly"}, {"heart", "enlarge"}}};

const Vocabulary kPneumothorax = {
    {"There is a {side} pneumothorax with air collecting in front.", "{Side}-sided pneumothorax.",
     "Air in the {side} pleural space with partial collapse of the lung, consistent with pneumothorax."},
    {"{Side} pneumothorax.", "Pneumothorax on the {side}."},
    {"No pneumothorax.", "No evidence of pneumothorax."},
    {{"pneumothorax"}}};

const Vocabulary kAneurysm = {
    {"There is a fusiform aneurysm of the {site}, up to {size} in diameter.",
     "The {site} is aneurysmal and measures {size} with mural thrombus.",
     "Aneurysm of the {site} measuring {size}."},
    {"Aneurysm of the {site}, {size}; vascular surgery referral is advised.", "{size} aortic aneurysm."},
    {"The aorta is normal in calibre.", "No aortic aneurysm.", "No aneurysmal dilatation of the aorta."},
    {{"aneurysm"}}};

const Vocabulary kVertebral = {{"There is a wedge-shaped compression fracture of {site}.",
                                "Loss of anterior height of {site}, a compression deformity.",
                                "{site} shows a vertebral compression fracture."},
                               {"{site} compression fracture.", "Compression deformity of {site}."},
                               {"Vertebral body heights are normal.", "No vertebral compression fracture.",
                                "No compression deformity of the spine."},
                               {{"compression", "fracture"}, {"compression", "deformity"}}};

const Vocabulary kStone = {
    {"There is {a} {size} calculus in the {side} kidney.", "{Side} nephrolithiasis with a stone of {size}.",
     "{A} {size} stone lies in the {side} renal collecting system."},
    {"{Side} nephrolithiasis, {size}.", "{size} stone of the {side} kidney."},
    {"No renal calculus.", "The kidneys are normal without stones.", "No nephrolithiasis."},
    {{"calculus"}, {"stone"}, {"nephrolithiasis"}}};

}  // namespace

const Vocabulary& vocabulary(FindingKind kind) {
  switch (kind) {
    case FindingKind::lung_nodule:
      return kNodule;
    case FindingKind::pleural_effusion:
      return kEffusion;
    case FindingKind::coronary_calcification:
      return kCoronary;
    case FindingKind::rib_fracture:
      return kRib;
    case FindingKind::hepatic_lesion:
      return kHepatic;
    case FindingKind::cardiomegaly:
      return kCardiomegaly;
    case FindingKind::pneumothorax:
      return kPneumothorax;
    case FindingKind::aortic_aneurysm:
      return kAneurysm;
    case FindingKind::vertebral_fracture:
      return kVertebral;
    case FindingKind::kidney_stone:
      break;
  }
  return kStone;
}

const std::vector<Section>& report_sections() {
  static const std::vector<Section> sections = {
      {"Lungs and pleura",
       {FindingKind::lung_nodule, FindingKind::pleural_effusion, FindingKind::pneumothorax},
       {"The trachea and main bronchi are patent.", "No consolidation.", "The airways are unremarkable."}},
      {"Heart and vessels",
       {FindingKind::cardiomegaly, FindingKind::coronary_calcification, FindingKind::aortic_aneurysm},
       {"The pulmonary trunk is normal in size.", "No enlarged mediastinal lymph nodes.",
        "No lymphadenopathy."}},
      {"Upper abdomen",
       {FindingKind::hepatic_lesion, FindingKind::kidney_stone},
       {"Spleen, pancreas and adrenal glands are unremarkable.", "The gallbladder is normal.", "No free air.",
        "Stomach and bowel are unremarkable."}},
      {"Bones",
       {FindingKind::rib_fracture, FindingKind::vertebral_fracture},
       {"Alignment of the spine is normal.", "Bone density is normal for age.", "The sternum is intact."}},
  };
  return sections;
}

const std::vector<const char*>& denial_words() {
  static const std::vector<const char*> words = {"no ", "not ", "without ", "free of ", "normal"};
  return words;
}

}  // namespace pillar::phantom
