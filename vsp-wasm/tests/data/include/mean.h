static inline int mean(int total, int count) {
  return total / count;
}
