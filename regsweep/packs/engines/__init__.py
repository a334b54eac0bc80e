"""packs/engines"""
